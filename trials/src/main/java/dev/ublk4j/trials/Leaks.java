package dev.ublk4j.trials;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;

/**
 * Compares what the process has open before and after: descriptors, mappings that have a name, and
 * threads of devices.
 *
 * {@snippet :
 * try (var _ = Leaks.watch()) {
 *     // whatever opens something, and closes it
 * }
 * }
 *
 * <p>What is there at the end and was not at the beginning is waited for shortly, as some things
 * close a moment after the call that closes them, and then reported. It sees the whole process, so
 * other tests must not run beside it. Files of the JVM and its class path do not count, nor does
 * memory without a name, which the JVM maps and unmaps at will.
 */
public final class Leaks implements AutoCloseable {
    private static final long PATIENCE_NANOS = 2_000_000_000L;
    private static final long RECHECK_NANOS = 2_000_000;

    private final Map<String, Integer> before = open();

    private Leaks() {}

    /** {@return a watch over what is opened from now on} */
    public static Leaks watch() {
        return new Leaks();
    }

    /**
     * Looks whether everything has been closed.
     *
     * @throws AssertionError with what has not
     */
    @Override
    public void close() {
        long start = System.nanoTime();
        List<String> left = left();
        while (!left.isEmpty() && System.nanoTime() - start < PATIENCE_NANOS) {
            LockSupport.parkNanos(RECHECK_NANOS);
            left = left();
        }
        if (!left.isEmpty()) {
            throw new AssertionError("left open: " + String.join(", ", left));
        }
    }

    private List<String> left() {
        List<String> left = new ArrayList<>();
        open().forEach((name, count) -> {
            int more = count - before.getOrDefault(name, 0);
            if (more > 0) {
                left.add(more == 1 ? name : name + " (" + more + " times)");
            }
        });
        return left;
    }

    private static Map<String, Integer> open() {
        Map<String, Integer> open = new TreeMap<>();
        collect("descriptor of ", descriptors(), Leaks::isOfTheJvm, open);
        collect("mapping of ", mappings(), Leaks::isOfTheJvm, open);
        List<String> threads = new ArrayList<>();
        Thread.getAllStackTraces().keySet().forEach(thread -> threads.add(thread.getName()));
        collect("thread ", threads, name -> !name.startsWith("ublk"), open);
        return open;
    }

    private static void collect(
            String what,
            List<String> names,
            Predicate<String> ignored,
            Map<String, Integer> target) {
        for (String name : names) {
            if (!ignored.test(name)) {
                target.merge(what + name, 1, Integer::sum);
            }
        }
    }

    private static List<String> descriptors() {
        List<String> targets = new ArrayList<>();
        try (DirectoryStream<Path> links = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path link : links) {
                targets.add(target(link));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return targets;
    }

    private static String target(Path link) {
        try {
            return withoutNumber(Files.readSymbolicLink(link).toString());
        } catch (IOException e) {
            return "/proc/self/fd"; // closed since it was listed
        }
    }

    /** Sockets and pipes have a number each: one that goes and one that comes are no leak. */
    private static String withoutNumber(String target) {
        return target.startsWith("socket:") || target.startsWith("pipe:")
                ? target.substring(0, target.indexOf(':'))
                : target;
    }

    private static List<String> mappings() {
        List<String> names = new ArrayList<>();
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
                // Address, protection, offset, device, inode, name.
                String[] fields = line.split(" +", 6);
                if (fields.length == 6 && !fields[5].isEmpty() && !fields[5].startsWith("[")) {
                    names.add(fields[5]);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return names;
    }

    private static boolean isOfTheJvm(String target) {
        return target.endsWith(".jar")
                || target.endsWith(".so")
                || target.contains(".so.")
                || target.endsWith(".aot")
                || target.endsWith(".class")
                || target.startsWith(System.getProperty("java.home"))
                || target.startsWith("/proc/")
                || target.startsWith("/sys/")
                || target.startsWith("/dev/random")
                || target.startsWith("/dev/urandom")
                || target.startsWith("/tmp/hsperfdata_")
                || target.startsWith("/usr/");
    }
}
