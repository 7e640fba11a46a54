package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The kernel's own word on what ublk copies: a probe on the return of the function that matches a
 * request with the registered buffers, whose histogram tells hits from misses, and one on the
 * function that copies. They count for all devices together.
 */
final class KernelProbes implements AutoCloseable {
    private static final Path TRACING = Path.of("/sys/kernel/tracing");
    private static final Path EVENTS = TRACING.resolve("kprobe_events");
    private static final Path PROFILE = TRACING.resolve("kprobe_profile");
    private static final String GROUP = "ublk4j";
    private static final String MATCH = "match";
    private static final String COPY = "copy";

    private static final Pattern ROW = Pattern.compile("\\{ \\w+: +(\\d+) } hitcount: +(\\d+)");

    /** What the probes have counted. */
    record Counts(long hits, long misses, long copies) {
        Counts since(Counts earlier) {
            return new Counts(
                    hits - earlier.hits, misses - earlier.misses, copies - earlier.copies);
        }
    }

    private KernelProbes() {}

    /** Sets the probes; skips the test, and says why, where the kernel does not let one. */
    static KernelProbes open() throws IOException {
        assumeTrue(Files.isWritable(EVENTS), EVENTS + " cannot be written: no kprobe events");
        KernelProbes probes = new KernelProbes();
        probes.remove();
        String match = function("ublk_try_buf_match");
        String copy = function("ublk_copy_user_pages");
        define("r64:%s/%s %s ret=$retval:u8".formatted(GROUP, MATCH, match));
        define("p:%s/%s %s".formatted(GROUP, COPY, copy));
        write(event(MATCH).resolve("trigger"), "hist:keys=ret");
        write(event(COPY).resolve("trigger"), "hist:keys=common_pid");
        return probes;
    }

    /** The compiler may have left a function out, or given it a longer name. */
    private static String function(String name) throws IOException {
        try (Stream<String> symbols = Files.lines(Path.of("/proc/kallsyms"))) {
            List<String> found =
                    symbols.map(line -> line.split("\\s+", -1)[2])
                            .filter(symbol -> symbol.equals(name) || symbol.startsWith(name + "."))
                            .toList();
            return found.isEmpty()
                    ? abort("this kernel has no function %s: it was inlined".formatted(name))
                    : found.getFirst();
        }
    }

    private static void define(String probe) throws IOException {
        try {
            write(EVENTS, probe);
        } catch (IOException e) {
            abort("the kernel refuses the probe '%s': %s".formatted(probe, e));
        }
    }

    private static Path event(String name) {
        return TRACING.resolve("events").resolve(GROUP).resolve(name);
    }

    /** One write call: the kernel reads each as one command. */
    private static void write(Path file, String text) throws IOException {
        Files.writeString(file, text + "\n", StandardOpenOption.APPEND);
    }

    /** {@return what has been counted so far} */
    Counts read() throws IOException {
        for (String line : Files.readAllLines(PROFILE)) {
            String[] fields = line.strip().split("\\s+", -1);
            if (fields[0].startsWith(GROUP) || fields[0].equals(MATCH) || fields[0].equals(COPY)) {
                assertThat(Long.parseLong(fields[2])).as("calls that %s", line).isZero();
            }
        }
        return new Counts(sum(MATCH, "1"), sum(MATCH, "0"), sum(COPY, null));
    }

    private static long sum(String name, @Nullable String key) throws IOException {
        long sum = 0;
        for (String line : Files.readAllLines(event(name).resolve("hist"))) {
            Matcher row = ROW.matcher(line);
            if (row.find() && (key == null || key.equals(row.group(1)))) {
                sum += Long.parseLong(row.group(2));
            }
        }
        return sum;
    }

    private void remove() throws IOException {
        for (String name : List.of(MATCH, COPY)) {
            if (Files.exists(event(name))) {
                Path trigger = event(name).resolve("trigger");
                for (String line : Files.readAllLines(trigger)) {
                    if (line.startsWith("hist:")) {
                        write(trigger, "!" + line.replaceAll(" \\[.*", ""));
                    }
                }
                write(EVENTS, "-:%s/%s".formatted(GROUP, name));
            }
        }
    }

    @Override
    public void close() throws IOException {
        remove();
    }
}
