package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.handover.HandoverConnection;
import dev.ublk4j.handover.HandoverException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ublk4j shmem remove}. */
@Command(
        name = "remove",
        aliases = "rm",
        description = "Unregister shared memory of a device, whoever registered it.",
        footer = {"", "The device stays live; requests in that memory are copied from then on."})
final class ShmemRemoveCommand implements Callable<Integer> {
    @Parameters(
            arity = "0..*",
            paramLabel = "N INDEX",
            description =
                    "The device, by number, and its buffers, by the index that 'ublk4j shmem list'"
                            + " prints.")
    private List<Integer> numbers = new ArrayList<>();

    @Option(
            names = {"-n", "--number"},
            paramLabel = "N",
            description = "Same as N.")
    private @Nullable Integer named;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public Integer call() {
        List<Integer> indexes = new ArrayList<>(numbers);
        if (indexes.size() < (named == null ? 2 : 1)) {
            throw new ParameterException(
                    spec.commandLine(), "N or INDEX is missing; type: ublk4j shmem remove N INDEX");
        }
        int number = named != null ? named : indexes.removeFirst();
        try (HandoverConnection connection = ShmemCommand.connect(number)) {
            for (int index : indexes) {
                connection.unregister(index);
            }
            return 0;
        } catch (HandoverException e) {
            throw new Failure("device %d: %s".formatted(number, e.text()), e);
        }
    }
}
