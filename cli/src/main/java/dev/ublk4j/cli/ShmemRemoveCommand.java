package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.handover.HandoverConnection;
import dev.ublk4j.handover.HandoverException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code ublk4j shmem remove}. */
@Command(
        name = "remove",
        aliases = "rm",
        description = "Take memory back from a device, whoever shares it.",
        footer = {"", "The device goes on, and copies from then on what lies in that memory."})
final class ShmemRemoveCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "N", description = "The device, by number.")
    private int number;

    @Parameters(
            index = "1..*",
            arity = "1..*",
            paramLabel = "INDEX",
            description = "Buffers, as 'ublk4j shmem list' shows them.")
    private List<Integer> indexes = new ArrayList<>();

    @Override
    public Integer call() {
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
