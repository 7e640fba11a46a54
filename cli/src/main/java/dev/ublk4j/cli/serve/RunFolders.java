package dev.ublk4j.cli.serve;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
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

    /** {@return the folder that a device's server left word in; this user's if there is none} */
    public RunFolder of(int id) {
        RunFolder found = folders.getFirst();
        for (RunFolder folder : folders) {
            ServedDevice device = folder.readOrNull(id);
            if (device != null && device.server().isAlive()) {
                return folder;
            }
            if (device != null && found.readOrNull(id) == null) {
                found = folder;
            }
        }
        return found;
    }

    /** {@return what a device's server left word of, null where there is nothing} */
    public @Nullable ServedDevice readOrNull(int id) {
        return of(id).readOrNull(id);
    }

    /** {@return the devices of which there is a state file, lowest first} */
    public SortedSet<Integer> served() {
        SortedSet<Integer> numbers = new TreeSet<>();
        folders.forEach(folder -> numbers.addAll(folder.served()));
        return numbers;
    }
}
