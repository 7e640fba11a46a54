package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.handover.Exchange;
import dev.ublk4j.handover.HandoverConnection;
import dev.ublk4j.handover.HandoverException;
import dev.ublk4j.linux.LinuxException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code ublk4j shmem}: what its subcommands do is done at a device's socket. */
@Command(
        name = "shmem",
        description = "See and change what memory is shared with a live device.",
        footer = {
            "",
            "For devices that 'ublk4j add ... --shmem' serves. Memory that an application has"
                    + " handed over goes with the application; what is added here stays until it"
                    + " is removed."
        },
        subcommands = {ShmemListCommand.class, ShmemAddCommand.class, ShmemRemoveCommand.class})
final class ShmemCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "do what with shared memory? One of: list, add, remove");
    }

    /**
     * {@return a connection to the server of a device}
     *
     * @throws Failure when there is none, with what to do about it
     */
    static HandoverConnection connect(int number) {
        DriverModule.check();
        try {
            return HandoverConnection.open(number);
        } catch (HandoverException e) {
            throw new Failure(
                    "the server of device %d does not talk to us: %s"
                            .formatted(number, e.errno().text()),
                    e);
        } catch (LinuxException e) {
            throw new Failure(
                    switch (e.errno()) {
                        case ENOENT, ECONNREFUSED ->
                                "device %d takes no memory; serve it with: ublk4j add ... --shmem"
                                        .formatted(number);
                        case EACCES, EPERM ->
                                "no permission for %s; run ublk4j as root or as the device's owner"
                                        .formatted(Exchange.socketPath(number));
                        default -> String.valueOf(e.getMessage());
                    },
                    e);
        }
    }
}
