package dev.ublk4j.cli.serve;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import dev.ublk4j.linux.socket.UnixListener;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Objects;
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
 * <p>It is what {@code UBLK4J_RUN} says, else {@code /run/ublk4j} for who may write there, else
 * {@code ublk4j} in {@code XDG_RUNTIME_DIR}, else {@code /tmp/ublk4j-UID}, which is used only when
 * it is a folder that belongs to this user alone. A state file outlives a server that was killed;
 * its {@link ProcessIdentity} tells.
 */
public final class RunFolder {
    /** Says which folder to use. */
    static final String VARIABLE = "UBLK4J_RUN";

    static final Path STANDARD = Path.of("/run/ublk4j");

    /** Where anybody may make a folder, and in anybody's name. */
    static final Path PUBLIC = Path.of("/tmp");

    private static final int WRITABLE_BY_OTHERS = 0022;

    private static final int ANYBODY = -1;

    private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private static final Pattern STATE_FILE = Pattern.compile("(\\d{1,9})\\.json");

    private final Path folder;
    private final int owner;

    /** Takes a folder, which need not exist yet. */
    public RunFolder(Path folder) {
        this(folder, PUBLIC.equals(folder.getParent()) ? ProcessUser.uid() : ANYBODY);
    }

    /**
     * Takes a folder that counts only if nobody but a user, and root, can have put there what is
     * there.
     *
     * @param owner the number of that user
     */
    RunFolder(Path folder, int owner) {
        this.folder = folder;
        this.owner = owner;
    }

    /** {@return the folder of this user} */
    public static RunFolder ofUser() {
        return new RunFolder(choose(System.getenv()));
    }

    static Path choose(Map<String, String> environment) {
        return choose(environment, STANDARD, ProcessUser.uid());
    }

    static Path choose(Map<String, String> environment, Path standard, int uid) {
        String chosen = environment.getOrDefault(VARIABLE, "");
        if (!chosen.isEmpty()) {
            return Path.of(chosen).toAbsolutePath();
        }
        if (Files.isWritable(standard) || Files.isWritable(standard.toAbsolutePath().getParent())) {
            return standard;
        }
        // It may be another user's, left in the environment by su.
        String own = environment.getOrDefault("XDG_RUNTIME_DIR", "");
        return own.startsWith("/") && Files.isWritable(Path.of(own))
                ? Path.of(own, "ublk4j")
                : PUBLIC.resolve("ublk4j-" + uid);
    }

    /** Makes the folder if need be. */
    private void create() throws IOException {
        if (owner == ANYBODY) {
            Files.createDirectories(folder);
            return;
        }
        try {
            Files.createDirectory(folder, OWNER_ONLY);
        } catch (FileAlreadyExistsException e) {
            log().log(Level.DEBUG, () -> folder + " is there");
        }
        if (!isTrusted()) {
            throw new FileSystemException(
                    folder.toString(), null, "not a folder that belongs to this user alone");
        }
    }

    /** {@return whether what is there may be believed to be a server's} */
    boolean isTrusted() {
        if (owner == ANYBODY) {
            return true;
        }
        try {
            Map<String, Object> status =
                    Files.readAttributes(folder, "unix:uid,mode,isDirectory", NOFOLLOW_LINKS);
            return Boolean.TRUE.equals(status.get("isDirectory"))
                    && Objects.equals(status.get("uid"), owner)
                    && status.get("mode") instanceof Integer mode
                    && (mode & WRITABLE_BY_OTHERS) == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** Writes a device's state file, whole or not at all. */
    public void write(ServedDevice device) throws IOException {
        create();
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
        if (!isTrusted()) {
            return null;
        }
        try {
            return ServedDevice.parse(Files.readString(stateFile(id)));
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException | RuntimeException e) {
            log().log(Level.DEBUG, () -> stateFile(id) + " cannot be read", e);
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
        if (!Files.isWritable(folder) || !isTrusted()) {
            return;
        }
        try {
            for (int number : served()) {
                if (!present.contains(number)) {
                    removeStale(number);
                }
            }
        } catch (IOException e) {
            log().log(Level.DEBUG, () -> folder + " cannot be cleaned", e);
        }
    }

    /** {@return a new log file, for a server whose device has no number yet} */
    public Path newLog() throws IOException {
        create();
        return Files.createTempFile(folder, "starting-", ".log");
    }

    /** Gives a log its final name, and answers it. */
    public Path nameLog(Path log, String name) throws IOException {
        return Files.move(log, folder.resolve(name + ".log"), REPLACE_EXISTING);
    }

    /** {@return the devices of which there is a state file, lowest first} */
    public SortedSet<Integer> served() {
        SortedSet<Integer> numbers = new TreeSet<>();
        if (Files.isDirectory(folder) && isTrusted()) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "[0-9]*.json")) {
                for (Path file : files) {
                    Matcher name = STATE_FILE.matcher(file.getFileName().toString());
                    if (name.matches()) {
                        numbers.add(Integer.valueOf(name.group(1)));
                    }
                }
            } catch (IOException e) {
                log().log(Level.DEBUG, () -> folder + " cannot be read", e);
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
