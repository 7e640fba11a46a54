package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Failure;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Every folder in which a server may have left word that this user may ask: his own, root's, and
 * for root everybody's. What stands in another user's folder is good for asking the server, and for
 * nothing that is trusted.
 */
public final class RunFolders {
    private static final Path SESSIONS = Path.of("/run/user");
    private static final Pattern SESSION = Pattern.compile("(\\d{1,9})");
    private static final Pattern PUBLIC = Pattern.compile("ublk4j-(\\d{1,9})");

    /** In the text of what a target is made of; a false find costs a question. */
    private static final String MIRROR = "mirror(";

    /** How long a list waits for a server that hangs. */
    private static final Duration LIST_PATIENCE = Duration.ofSeconds(2);

    private final List<RunFolder> folders;

    /** Takes folders, the first of which are asked first. */
    RunFolders(List<RunFolder> folders) {
        this.folders = List.copyOf(folders);
    }

    /** {@return those that this user may ask} */
    public static RunFolders ofUser() {
        Map<String, String> environment = System.getenv();
        List<RunFolder> folders = new ArrayList<>();
        folders.add(RunFolder.ofUser());
        if (environment.getOrDefault(RunFolder.VARIABLE, "").isEmpty()) {
            folders.add(new RunFolder(RunFolder.STANDARD));
            if (ProcessUser.isRoot()) {
                addOfUsers(SESSIONS, SESSION, "ublk4j", folders);
                addOfUsers(RunFolder.PUBLIC, PUBLIC, "", folders);
            }
        }
        return new RunFolders(folders);
    }

    private static void addOfUsers(Path place, Pattern name, String below, List<RunFolder> found) {
        if (!Files.isDirectory(place)) {
            return;
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(place)) {
            for (Path entry : entries) {
                Matcher user = name.matcher(entry.getFileName().toString());
                if (user.matches()) {
                    int owner = Integer.parseInt(user.group(1));
                    found.add(new RunFolder(entry.resolve(below), owner));
                }
            }
        } catch (IOException e) {
            System.getLogger(RunFolders.class.getName())
                    .log(Level.DEBUG, () -> place + " cannot be read", e);
        }
    }

    /**
     * {@return the folder that a server left word in; this user's if there is none} A server that
     * runs counts first, then word that this user may not read, which may be of one, then word of a
     * server that is gone.
     */
    public RunFolder of(ServedName name) {
        RunFolder stale = folders.getFirst();
        RunFolder refused = null;
        for (RunFolder folder : folders) {
            ProcessIdentity server = folder.serverOrNull(name);
            if (server != null && server.isAlive()) {
                return folder;
            }
            if (server != null && stale.serverOrNull(name) == null) {
                stale = folder;
            }
            if (refused == null && folder.refusalOrNull(name) != null) {
                refused = folder;
            }
        }
        return refused == null ? stale : refused;
    }

    /**
     * {@return why this user may not ask the server of something, null where nothing forbids it}
     */
    public @Nullable String refusalOrNull(ServedName name) {
        return of(name).refusalOrNull(name);
    }

    /** {@return what a device's server left word of, null where there is nothing} */
    public @Nullable ServedDevice readOrNull(int id) {
        return of(ServedName.device(id)).readOrNull(id);
    }

    /** {@return a way to ask the server of something} */
    public ControlClient client(ServedName name) {
        return new ControlClient(of(name), name);
    }

    /**
     * {@return whether a leg of a mirror is not in step} False where the server does not say so.
     *
     * @param composition what is made of others, null where nothing is
     */
    public boolean isDegraded(ServedName name, @Nullable String composition) {
        if (composition == null || !composition.contains(MIRROR)) {
            return false;
        }
        try {
            return client(name).stat(LIST_PATIENCE).legs().stream().anyMatch(LegStat::isDegraded);
        } catch (Failure e) {
            System.getLogger(RunFolders.class.getName())
                    .log(Level.DEBUG, () -> name.text() + " does not say how its legs are", e);
            return false;
        }
    }

    /** {@return the exports whose servers run, lowest first} */
    public List<ServedExport> exports() {
        SortedSet<Integer> numbers = new TreeSet<>();
        folders.forEach(folder -> numbers.addAll(folder.exports()));
        return numbers.stream()
                .map(number -> of(ServedName.export(number)).readExportOrNull(number))
                .filter(export -> export != null && export.server().isAlive())
                .toList();
    }

    /** {@return the devices of which there is a state file, lowest first} */
    public SortedSet<Integer> served() {
        SortedSet<Integer> numbers = new TreeSet<>();
        folders.forEach(folder -> numbers.addAll(folder.served()));
        return numbers;
    }
}
