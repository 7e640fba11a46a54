package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.handover.HandoverConnection;
import dev.ublk4j.handover.HandoverException;
import dev.ublk4j.handover.Registered;
import dev.ublk4j.handover.Request;
import dev.ublk4j.linux.Fd;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ublk4j shmem add}. */
@Command(name = "add", description = "Share a file on hugetlbfs or tmpfs with a device.")
final class ShmemAddCommand implements Callable<Integer> {
    @Mixin private final DeviceNumber device = new DeviceNumber();

    @Option(
            names = {"-f", "--file"},
            required = true,
            paramLabel = "FILE",
            description =
                    "The file, which applications map. Whoever can write to it must be trusted"
                            + " not to truncate it.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private Path file;

    @Option(
            names = {"-r", "--read-only"},
            description = "Share it read-only: only writes to the device use it.")
    private boolean readOnly;

    @Mixin private final OutputFlags output = new OutputFlags();

    @Override
    public Integer call() {
        int number = device.number();
        try (Fd memory = Fd.open(file, readOnly ? Fd.O_RDONLY : Fd.O_RDWR);
                HandoverConnection connection = ShmemCommand.connect(number)) {
            print(number, connection.register(memory, Request.Register.ofFile(file, readOnly)));
            return 0;
        } catch (HandoverException e) {
            throw new Failure("cannot share %s: %s".formatted(file, e.text()), e);
        }
    }

    private void print(int number, Registered buffer) {
        output.print(
                json -> {
                    json.writeStartObject();
                    json.writeNumberProperty("device", number);
                    json.writeNumberProperty("index", buffer.index());
                    json.writeNumberProperty("size", buffer.length());
                    json.writeBooleanProperty("read_only", readOnly);
                    json.writeEndObject();
                },
                out -> out.println(buffer.index()));
    }
}
