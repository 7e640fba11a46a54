package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a recipe of {@code vm/recipes} has printed: a line for each thing that a program did, with
 * what the device counted meanwhile.
 *
 * @param rows the lines, by their names
 * @param shared all requests that were shared
 * @param copied all requests that were copied
 */
record Recipe(Map<String, Row> rows, long shared, long copied) {
    private static final Path RECIPES = Path.of("vm", "recipes");
    private static final int UNAVAILABLE = 125;

    private static final Pattern FAULT_OF_EMULATION =
            Pattern.compile("SIGILL|(?:# |frame: )J .*\\+0x0000000000000000\\]");

    private static final Pattern ROW =
            Pattern.compile(
                    "(?m)^(\\S.*?) +[\\d.]+ +(\\d+) +(\\d+) +(\\d+(?:\\.\\d+)?) +(\\d+(?:\\.\\d+)?)$");

    private static final Pattern TOTAL =
            Pattern.compile(
                    "in total: (\\d+) shared, (\\d+) copied; (\\d+) reads, and (\\d+) by the block layer");

    /** What a device has counted: requests, and MiB. */
    record Row(long shared, long copied, double mibShared, double mibCopied) {
        double partShared() {
            return (double) shared / (shared + copied);
        }
    }

    /** Runs one, which must succeed; skips the test where something that it needs is not there. */
    static Recipe run(String command) {
        return parsed(output(command));
    }

    /** {@return what one prints} As {@link #run}, for those without a table. */
    static String output(String command) {
        // Tests run in the module's folder, or in the one above it where there is no Maven.
        Path here = Files.isDirectory(RECIPES) ? RECIPES : Path.of("..").resolve(RECIPES);
        Shell.Outcome outcome = Shell.tryRun(here.resolve(command).toString());
        for (int count = 1; count < 3 && isFaultOfEmulation(outcome); count++) {
            outcome = Shell.tryRun(here.resolve(command).toString());
        }
        assumeTrue(outcome.status() != UNAVAILABLE, outcome.output());
        assertThat(outcome.status()).as(outcome.output()).isZero();
        assertThat(outcome.output()).contains("the data is right");
        return outcome.output();
    }

    /**
     * QEMU's emulation can lose a change that HotSpot makes to running code. A JVM then ends with
     * {@code SIGILL}, which no code of ours can raise, or on the first instruction of a compiled
     * method.
     */
    private static boolean isFaultOfEmulation(Shell.Outcome outcome) {
        return outcome.status() != 0 && FAULT_OF_EMULATION.matcher(outcome.output()).find();
    }

    private static Recipe parsed(String output) {
        Map<String, Row> rows = new LinkedHashMap<>();
        Matcher row = ROW.matcher(output);
        while (row.find()) {
            rows.put(
                    row.group(1),
                    new Row(
                            Long.parseLong(row.group(2)),
                            Long.parseLong(row.group(3)),
                            Double.parseDouble(row.group(4)),
                            Double.parseDouble(row.group(5))));
        }
        Matcher total = TOTAL.matcher(output);
        assertThat(total.find()).as(output).isTrue();
        assertThat(total.group(3))
                .as("reads, which the block layer counts, too: %s", output)
                .isEqualTo(total.group(4));
        return new Recipe(rows, Long.parseLong(total.group(1)), Long.parseLong(total.group(2)));
    }

    Row row(String name) {
        Row row = rows.get(name);
        assertThat(row).as("%s of %s", name, rows.keySet()).isNotNull();
        return row;
    }

    /** Nothing is shared that nobody has shared. */
    void assertCopied(String name) {
        assertThat(row(name).shared()).as("shared: %s", name).isZero();
        assertThat(row(name).copied()).as("copied: %s", name).isPositive();
    }

    void assertShared(String name) {
        assertThat(row(name).shared()).as("shared: %s", name).isPositive();
        assertThat(row(name).copied()).as("copied: %s", name).isZero();
    }
}
