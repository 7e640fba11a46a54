package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.output.Json;
import dev.ublk4j.handover.HandoverConnection;
import dev.ublk4j.handover.HandoverException;
import dev.ublk4j.handover.Registered;
import dev.ublk4j.handover.Request;
import dev.ublk4j.linux.Fd;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ublk4j shmem add}. */
@Command(name = "add", description = "Share a file of hugetlbfs or tmpfs with a device.")
final class ShmemAddCommand implements Callable<Integer> {
    @Parameters(arity = "1", paramLabel = "N", description = "The device, by number.")
    private int number;

    @Option(
            names = {"-f", "--file"},
            required = true,
            paramLabel = "FILE",
            description =
                    "The file, which applications map. Who can write to it must be trusted not to"
                            + " cut it off.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private Path file;

    @Option(
            names = {"-r", "--read-only"},
            description = "Share it for writes to the device alone.")
    private boolean readOnly;

    @Option(names = "--json", description = "Print the buffer as JSON.")
    private boolean json;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public Integer call() {
        try (Fd memory = Fd.open(file, readOnly ? Fd.O_RDONLY : Fd.O_RDWR);
                HandoverConnection connection = ShmemCommand.connect(number)) {
            print(connection.register(memory, Request.Register.ofFile(file, readOnly)));
            return 0;
        } catch (HandoverException e) {
            throw new Failure("cannot share %s: %s".formatted(file, e.text()), e);
        }
    }

    private void print(Registered buffer) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(
                    Json.text(generator -> {
                        generator.writeStartObject();
                        generator.writeNumberProperty("device", number);
                        generator.writeNumberProperty("index", buffer.index());
                        generator.writeNumberProperty("size", buffer.length());
                        generator.writeBooleanProperty("read_only", readOnly);
                        generator.writeEndObject();
                    }));
        } else {
            out.println(buffer.index());
        }
        out.flush();
    }
}
