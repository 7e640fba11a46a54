package dev.ublk4j.guest;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A folder of the host for one boot: the guest's first program, its settings, the sockets of its
 * disks, and what it exchanges with the host. Only its user can look into it.
 */
final class GuestFolder {
    /** The longest path, so that the name of a socket in it fits an address. */
    private static final int LONGEST = 64;

    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9/._-]+");

    /** Tells the host of something; for programs in the guest. */
    private static final String MARK =
            """
            #!/usr/bin/perl
            open my $line, '>', '/dev/ttyS0' or die "mark: $!\\n";
            syswrite $line, 'mark ' . unpack('H*', substr "@ARGV", 0, 1000) . "\\n";
            """;

    private final Path path;

    private GuestFolder(Path path) {
        this.path = path;
    }

    /** Makes one, where temporary files go. */
    static GuestFolder create(GuestKernel kernel, GuestOptions options) throws IOException {
        Path temporary = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath();
        String name = temporary.toString();
        boolean fits = name.length() <= LONGEST && PLAIN.matcher(name).matches();
        GuestFolder folder =
                new GuestFolder(
                        Files.createTempDirectory(fits ? temporary : Path.of("/tmp"), "ublk4j-g"));
        try {
            folder.fill(kernel, options);
            return folder;
        } catch (Throwable e) {
            folder.delete();
            throw e;
        }
    }

    private void fill(GuestKernel kernel, GuestOptions options) throws IOException {
        try (InputStream agent = GuestFolder.class.getResourceAsStream("agent.pl")) {
            if (agent == null) {
                throw new GuestException("the guest's first program was not packed");
            }
            Files.copy(agent, path.resolve("agent"));
        }
        Path programs = Files.createDirectory(path.resolve("bin"));
        Files.writeString(programs.resolve("mark"), MARK);
        for (Path program : List.of(path.resolve("agent"), programs.resolve("mark"))) {
            Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        StringBuilder settings = new StringBuilder();
        settings.append("module ").append(kernel.blockModule()).append('\n');
        settings.append("disks ").append(options.disks().size()).append('\n');
        settings.append("most ").append(options.outputLimit()).append('\n');
        for (Path folder : options.folders()) {
            settings.append("folder ").append(folder).append('\n');
        }
        Files.writeString(path.resolve("settings"), settings);
    }

    Path path() {
        return path;
    }

    /** {@return the name of the socket of a disk, within the folder} */
    static String socket(int disk) {
        return "d" + disk;
    }

    /** Deletes what is in it, and itself; what cannot be deleted stays. */
    void delete() {
        try (Stream<Path> files = Files.walk(path)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(file -> {
                        try {
                            Files.deleteIfExists(file);
                        } catch (IOException _) {
                            // The other files can go nevertheless.
                        }
                    });
        } catch (IOException | UncheckedIOException _) {
            // Some of it remains among the temporary files.
        }
    }

    /**
     * {@return where the file goes that is the guest's memory: it is mapped executable, and best
     * not on a disk}
     *
     * @param bytes of memory
     */
    static Path memory(long bytes) {
        List<Path> candidates =
                List.of(
                        Path.of("/dev/shm"),
                        Path.of(System.getProperty("java.io.tmpdir")),
                        Path.of("/var/tmp"));
        for (Path candidate : candidates) {
            if (Files.isWritable(candidate)
                    && hasSpace(candidate, bytes)
                    && mayExecute(candidate)) {
                return candidate;
            }
        }
        throw new GuestException(
                "none of %s can hold the guest's memory: %d bytes, not mounted noexec"
                        .formatted(candidates, bytes));
    }

    private static boolean hasSpace(Path folder, long bytes) {
        try {
            return Files.getFileStore(folder).getUsableSpace() >= bytes;
        } catch (IOException _) {
            return false;
        }
    }

    private static boolean mayExecute(Path folder) {
        try {
            FileStore store = Files.getFileStore(folder);
            String mounted = store.toString();
            String where = mounted.substring(0, mounted.lastIndexOf(" (")).strip();
            try (Stream<String> mounts = Files.lines(Path.of("/proc/self/mounts"))) {
                return mounts.map(line -> line.split(" "))
                        .filter(words -> words[1].equals(where))
                        .noneMatch(words -> List.of(words[3].split(",")).contains("noexec"));
            }
        } catch (IOException _) {
            return false;
        }
    }
}
