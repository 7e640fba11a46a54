package dev.ublk4j.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The devices that a command is about, as arguments, with {@code -n}, or both. */
@Command
final class DeviceNumbers {
    @Parameters(arity = "0..*", paramLabel = "N", description = "Devices, by number.")
    private List<Integer> positional = new ArrayList<>();

    @Option(
            names = {"-n", "--number"},
            paramLabel = "N",
            description = "Same as N. May be repeated.")
    private List<Integer> named = new ArrayList<>();

    /**
     * {@return the numbers in the order of the command line, each once; none when none is given}
     */
    List<Integer> numbers() {
        List<Integer> all = new ArrayList<>(positional);
        all.addAll(named);
        return all.stream().distinct().toList();
    }
}
