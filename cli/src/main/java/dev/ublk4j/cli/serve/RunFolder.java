package dev.ublk4j.cli.serve;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import dev.ublk4j.linux.UnixListener;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The folder where servers leave word of what they serve: {@code N.json} for device N, {@code
 * N.log} of a server in the background, and {@code N.control}, where a server answers. Of a device
 * that shares memory and outlives its server there are {@code N.buffers} and {@code N.keeper}, too.
 *
 * <p>It is {@code /run/ublk4j}, a folder of the user's own for who may not write there, or what
 * {@code UBLK4J_RUN} says. A state file outlives a server that was killed; its {@link
 * ProcessIdentity} tells.
 */
public final class RunFolder {
    private static final Path STANDARD = Path.of("/run/ublk4j");

    private static final Pattern STATE_FILE = Pattern.compile("(\\d{1,9})\\.json");

    private final Path folder;

    /** Takes a folder, which need not exist yet. */
    public RunFolder(Path folder) {
        this.folder = folder;
    }

    /** {@return the folder of this user} */
    public static RunFolder ofUser() {
        return new RunFolder(choose(System.getenv()));
    }

    static Path choose(Map<String, String> environment) {
        String chosen = environment.get("UBLK4J_RUN");
        if (chosen != null && !chosen.isEmpty()) {
            return Path.of(chosen).toAbsolutePath();
        }
        String own = environment.get("XDG_RUNTIME_DIR");
        boolean writable = Files.isWritable(STANDARD) || Files.isWritable(STANDARD.getParent());
        return writable || own == null || own.isEmpty() ? STANDARD : Path.of(own, "ublk4j");
    }

    /** Writes a device's state file, whole or not at all. */
    public void write(ServedDevice device) throws IOException {
        Files.createDirectories(folder);
        Path draft = Files.createTempFile(folder, ".state", null);
        try {
            Files.writeString(draft, device.json() + "\n");
            Files.move(draft, stateFile(device.id()), ATOMIC_MOVE, REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(draft);
        }
    }

    /** {@return what the state file of a device says, null where there is none that can be read} */
    public @Nullable ServedDevice readOrNull(int id) {
        try {
            return ServedDevice.parse(Files.readString(stateFile(id)));
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException | RuntimeException e) {
            log().log(Level.INFO, () -> stateFile(id) + " cannot be read", e);
            return null;
        }
    }

    /** Removes the state file of a device if it is this server's. */
    public void remove(int id, ProcessIdentity server) throws IOException {
        ServedDevice device = readOrNull(id);
        if (device != null && device.server().equals(server)) {
            Files.deleteIfExists(stateFile(id));
        }
    }

    /**
     * Removes the state file of a device that is gone, and what belongs to it, unless its server
     * still runs. A file that only has such a name is left alone.
     */
    public void removeStale(int id) throws IOException {
        ServedDevice device = readOrNull(id);
        if (device != null && !device.server().isAlive()) {
            Files.deleteIfExists(stateFile(id));
            UnixListener.removeAbandoned(controlSocket(id));
            Files.deleteIfExists(ledger(id));
        }
    }

    /**
     * Removes what is left of devices that are gone, as far as this user may.
     *
     * @param present the devices that there are
     */
    public void clean(Set<Integer> present) {
        if (!Files.isWritable(folder)) {
            return;
        }
        try {
            for (int number : served()) {
                if (!present.contains(number)) {
                    removeStale(number);
                }
            }
        } catch (IOException e) {
            log().log(Level.INFO, () -> folder + " cannot be cleaned", e);
        }
    }

    /** {@return a new log file, for a server whose device has no number yet} */
    public Path newLog() throws IOException {
        Files.createDirectories(folder);
        return Files.createTempFile(folder, "starting-", ".log");
    }

    /** Gives a log its final name, and answers it. */
    public Path nameLog(Path log, String name) throws IOException {
        return Files.move(log, folder.resolve(name + ".log"), REPLACE_EXISTING);
    }

    /** {@return the devices of which there is a state file, lowest first} */
    public SortedSet<Integer> served() {
        SortedSet<Integer> numbers = new TreeSet<>();
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "[0-9]*.json")) {
                for (Path file : files) {
                    Matcher name = STATE_FILE.matcher(file.getFileName().toString());
                    if (name.matches()) {
                        numbers.add(Integer.valueOf(name.group(1)));
                    }
                }
            } catch (IOException e) {
                log().log(Level.INFO, () -> folder + " cannot be read", e);
            }
        }
        return numbers;
    }

    /** {@return where the server of a device answers} */
    public Path controlSocket(int id) {
        return folder.resolve(id + ".control");
    }

    /** {@return where it is noted what a device shares} */
    Path ledger(int id) {
        return folder.resolve(id + ".buffers");
    }

    /** {@return where the keeper of a device's memory answers} */
    Path keeperSocket(int id) {
        return folder.resolve(id + ".keeper");
    }

    /** Looked up when it is needed: setting up the log takes longer than a short command. */
    private static System.Logger log() {
        return System.getLogger(RunFolder.class.getName());
    }

    private Path stateFile(int id) {
        return folder.resolve(id + ".json");
    }

    @Override
    public String toString() {
        return folder.toString();
    }
}
