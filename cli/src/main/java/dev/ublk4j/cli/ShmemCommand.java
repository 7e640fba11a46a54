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
        description = "List and change the memory that is shared with a live device.",
        footer = {
            "",
            "For devices added with 'ublk4j add ... --shmem'. Memory that an application"
                    + " has registered is released when the application ends; memory added here"
                    + " stays until it is removed; memory that was adopted stays while a process"
                    + " has it mapped."
        },
        subcommands = {
            ShmemListCommand.class,
            ShmemAddCommand.class,
            ShmemAdoptCommand.class,
            ShmemRemoveCommand.class
        })
final class ShmemCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "no command given; one of: list, add, adopt, remove");
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
                    "the server of device %d refuses the connection: %s"
                            .formatted(number, e.errno().text()),
                    e);
        } catch (LinuxException e) {
            throw new Failure(
                    switch (e.errno()) {
                        case ENOENT, ECONNREFUSED ->
                                "device %d does not share memory; add it with: ublk4j add ... --shmem"
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
