package dev.ublk4j.cli.serve;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.ublk4j.linux.socket.UnixListener;
import dev.ublk4j.sharing.store.BufferLedger;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
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
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The folder where servers leave word of what they serve: {@code N.json} for device N, {@code
 * N.log} of a server in the background, and {@code N.control}, where a server answers. Of a device
 * that shares memory and outlives its server there are {@code N.buffers} and {@code N.keeper}, too.
 * Of an export there are {@code eN.json} and {@code eN.control}.
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

    private static final String STATE = ".json";
    private static final String ROOT = "root";

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
        write(device.name(), device.json());
    }

    /** Writes the state file of an export that has its number, whole or not at all. */
    void write(ServedExport export) throws IOException {
        create();
        write(export.name(), export.json());
    }

    private void write(ServedName name, String json) throws IOException {
        Path file = stateFile(name);
        if (Files.exists(file, NOFOLLOW_LINKS) && !isState(file, name)) {
            throw new FileSystemException(
                    file.toString(),
                    null,
                    "is not a server's, and is left alone; set %s to use another folder"
                            .formatted(VARIABLE));
        }
        Path draft = Files.createTempFile(folder, ".state", null);
        try {
            Files.writeString(draft, json + "\n");
            Files.move(draft, file, ATOMIC_MOVE, REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(draft);
        }
    }

    private boolean isState(Path file, ServedName name) {
        return Files.isRegularFile(file, NOFOLLOW_LINKS) && serverOrNull(name) != null;
    }

    /**
     * Writes the state file of an export under the lowest number that no other has, whole or not at
     * all.
     *
     * @return the export under that number
     */
    public ServedExport writeNew(ServedExport export) throws IOException {
        create();
        // Of two servers that find the same number free, one would take it from the other.
        Path lock = folder.resolve(".exports");
        try (FileChannel channel = FileChannel.open(lock, CREATE, WRITE);
                FileLock held = channel.lock()) {
            int number = 0;
            while (isTaken(ServedName.export(number))) {
                number = Math.incrementExact(number);
            }
            ServedExport numbered = export.numbered(number);
            write(numbered.name(), numbered.json());
            assert held.isValid() : "the lock was held meanwhile";
            return numbered;
        }
    }

    private boolean isTaken(ServedName name) {
        ServedExport export = readExportOrNull(name.number());
        return export == null ? Files.exists(stateFile(name)) : export.server().isAlive();
    }

    /** {@return what the state file of an export says, null where there is none to be read} */
    public @Nullable ServedExport readExportOrNull(int number) {
        return readOrNull(ServedName.export(number), ServedExport::parse);
    }

    /** {@return the process that has left word of something, null where there is none} */
    @Nullable ProcessIdentity serverOrNull(ServedName name) {
        if (name.isExport()) {
            ServedExport export = readExportOrNull(name.number());
            return export == null ? null : export.server();
        }
        ServedDevice device = readOrNull(name.number());
        return device == null ? null : device.server();
    }

    /**
     * {@return why this user may not ask the server that has left word of something, null where
     * nothing forbids it}
     */
    @Nullable String refusalOrNull(ServedName name) {
        Path file = stateFile(name);
        if (!isTrusted() || !Files.isRegularFile(file, NOFOLLOW_LINKS) || Files.isReadable(file)) {
            return null;
        }
        String owner = owner(file);
        return "no permission for %s (EACCES): it is served by %s, and its server takes commands of %s only"
                .formatted(name.text(), owner, owner.equals(ROOT) ? ROOT : owner + " and root");
    }

    private static String owner(Path file) {
        try {
            Object uid = Files.getAttribute(file, "unix:uid", NOFOLLOW_LINKS);
            return uid.equals(0) ? ROOT : Files.getOwner(file, NOFOLLOW_LINKS).getName();
        } catch (IOException e) {
            return "another user";
        }
    }

    /** {@return what the state file of a device says, null where there is none that can be read} */
    public @Nullable ServedDevice readOrNull(int id) {
        return readOrNull(ServedName.device(id), ServedDevice::parse);
    }

    private <T> @Nullable T readOrNull(ServedName name, Function<String, T> parser) {
        if (!isTrusted()) {
            return null;
        }
        try {
            return parser.apply(Files.readString(stateFile(name)));
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException | RuntimeException e) {
            log().log(Level.DEBUG, () -> stateFile(name) + " cannot be read", e);
            return null;
        }
    }

    /** Removes a state file if it is this server's. */
    public void remove(ServedName name, ProcessIdentity server) throws IOException {
        if (server.equals(serverOrNull(name))) {
            Files.deleteIfExists(stateFile(name));
        }
    }

    /**
     * Removes the state file of a device that is gone, and what belongs to it, unless its server
     * still runs. A file that only has such a name is left alone.
     */
    public void removeStale(int id) throws IOException {
        if (removeStale(ServedName.device(id))) {
            BufferLedger.deleteAbandoned(ledger(id));
        }
    }

    private boolean removeStale(ServedName name) throws IOException {
        ProcessIdentity server = serverOrNull(name);
        boolean stale = server != null && !server.isAlive();
        if (stale) {
            Files.deleteIfExists(stateFile(name));
            UnixListener.removeAbandoned(controlSocket(name));
        }
        return stale;
    }

    /**
     * Removes what is left of devices and exports that are gone, as far as this user may.
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
            for (int number : exports()) {
                boolean _ = removeStale(ServedName.export(number));
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

    /**
     * Gives a log its final name, which may have been that of an earlier server's, and answers it.
     * Where something else is than a file, the log keeps the name that it has.
     */
    public Path nameLog(Path log, String name) throws IOException {
        Path named = folder.resolve(name + ".log");
        return Files.exists(named, NOFOLLOW_LINKS) && !Files.isRegularFile(named, NOFOLLOW_LINKS)
                ? log
                : Files.move(log, named, REPLACE_EXISTING);
    }

    /** {@return the devices of which there is a state file, lowest first} */
    public SortedSet<Integer> served() {
        return numbers(false);
    }

    /** {@return the exports of which there is a state file, lowest first} */
    public SortedSet<Integer> exports() {
        return numbers(true);
    }

    private SortedSet<Integer> numbers(boolean ofExports) {
        SortedSet<Integer> numbers = new TreeSet<>();
        if (!Files.isDirectory(folder) || !isTrusted()) {
            return numbers;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*" + STATE)) {
            for (Path file : files) {
                String word = file.getFileName().toString().replace(STATE, "");
                if (ServedName.isName(word)) {
                    ServedName name = ServedName.parse(word);
                    if (name.isExport() == ofExports) {
                        numbers.add(name.number());
                    }
                }
            }
        } catch (IOException e) {
            log().log(Level.DEBUG, () -> folder + " cannot be read", e);
        }
        return numbers;
    }

    /** {@return where the server of a device or an export answers} */
    public Path controlSocket(ServedName name) {
        return folder.resolve(name + ".control");
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

    private Path stateFile(ServedName name) {
        return folder.resolve(name + STATE);
    }

    @Override
    public String toString() {
        return folder.toString();
    }
}
