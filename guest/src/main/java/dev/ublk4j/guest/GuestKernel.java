package dev.ublk4j.guest;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Debian's user-mode Linux, in a folder of the cache that {@code vm/fetch-uml} fills: once for a
 * machine.
 *
 * @param program the kernel
 * @param blockModule its driver of virtio disks
 */
record GuestKernel(Path program, Path blockModule) {
    private static final System.Logger LOG = System.getLogger(GuestKernel.class.getName());

    /** Names a folder to be used in place of the one in the cache. */
    private static final String FOLDER_PROPERTY = "ublk4j.guest.kernel";

    private static final String SCRIPT = "fetch-uml";

    /** What the script consists of, as files of this package. */
    private static final List<String> SCRIPTS =
            List.of(SCRIPT, "common.sh", "debian.sh", "uml-package.sh");

    /** A download over a slow line, behind another process that fetches something else. */
    private static final Duration FETCH_LIMIT = Duration.ofMinutes(15);

    private static final int MODULE_DEPTH = 8;

    /** {@return the kernel that there is already} */
    static Optional<GuestKernel> present() {
        String named = System.getProperty(FOLDER_PROPERTY);
        if (named != null) {
            return Optional.of(in(Path.of(named)));
        }
        Path resolved = cache().resolve("ublk4j/vm/resolved/guest");
        try {
            Path folder = Path.of(Files.readString(resolved).strip());
            return Files.isDirectory(folder) ? Optional.of(in(folder)) : Optional.empty();
        } catch (IOException _) {
            return Optional.empty();
        }
    }

    /** {@return where things are kept that were fetched} */
    static Path cache() {
        @Nullable String named = System.getenv("XDG_CACHE_HOME");
        return named != null && !named.isEmpty()
                ? Path.of(named)
                : Path.of(System.getProperty("user.home"), ".cache");
    }

    /** {@return the kernel, fetched if it is not there} */
    static GuestKernel get() {
        return present().orElseGet(GuestKernel::fetch);
    }

    private static GuestKernel in(Path folder) {
        Path program = folder.resolve("linux");
        if (!Files.isExecutable(program)) {
            throw new GuestException("no kernel of user-mode Linux: " + program);
        }
        try (Stream<Path> files =
                Files.find(
                        folder.resolve("lib/modules"),
                        MODULE_DEPTH,
                        (file, _) -> file.endsWith("virtio_blk.ko"))) {
            return files.findFirst()
                    .map(module -> new GuestKernel(program, module))
                    .orElseThrow(() -> new GuestException("no virtio_blk.ko below " + folder));
        } catch (IOException | UncheckedIOException e) {
            throw new GuestException("cannot look for modules in " + folder, e);
        }
    }

    private static GuestKernel fetch() {
        LOG.log(Level.INFO, "fetching Debian's package user-mode-linux, once");
        try {
            Path folder = Files.createTempDirectory("ublk4j-fetch");
            try {
                for (String name : SCRIPTS) {
                    unpack(name, folder.resolve(name));
                }
                return in(run(folder.resolve(SCRIPT)));
            } finally {
                for (String name : SCRIPTS) {
                    Files.deleteIfExists(folder.resolve(name));
                }
                Files.deleteIfExists(folder);
            }
        } catch (IOException e) {
            throw new GuestException("cannot fetch user-mode Linux", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new GuestException("interrupted while user-mode Linux is fetched", e);
        }
    }

    private static void unpack(String name, Path to) throws IOException {
        try (InputStream script = GuestKernel.class.getResourceAsStream(name)) {
            if (script == null) {
                throw new GuestException("the script %s was not packed".formatted(name));
            }
            Files.copy(script, to);
        }
    }

    private static Path run(Path script) throws IOException, InterruptedException {
        Process process = new ProcessBuilder("bash", script.toString()).start();
        process.getOutputStream().close();
        Tail said = new Tail();
        Tail result = new Tail();
        Thread errors = Thread.ofVirtual().start(() -> said.follow(process.getErrorStream()));
        Thread results = Thread.ofVirtual().start(() -> result.follow(process.getInputStream()));
        try {
            if (!process.waitFor(FETCH_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                throw new GuestException(
                        "user-mode Linux could not be fetched within %s:%n%s"
                                .formatted(FETCH_LIMIT, said));
            }
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
        errors.join(FETCH_LIMIT);
        results.join(FETCH_LIMIT);
        if (process.exitValue() != 0) {
            throw new GuestException("user-mode Linux could not be fetched:%n%s".formatted(said));
        }
        return Path.of(result.toString());
    }
}
