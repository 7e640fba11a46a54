package dev.ublk4j.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code ublk4j export}: a sub-command for each protocol, and below it one for each target. */
@Command(
        name = "export",
        description = "Serve targets over NBD or vhost-user, without the kernel's ublk driver.",
        synopsisSubcommandLabel = "PROTOCOL",
        commandListHeading = "%nProtocols:%n",
        footer = {
            "",
            "Needs no kernel module and no privileges. Serves in the foreground until"
                    + " Ctrl-C or SIGTERM.",
            "",
            TargetKind.COMPOSING,
            "",
            "Examples:",
            "  ublk4j export nbd --socket /tmp/disk.sock file disk.img",
            "  ublk4j export nbd --listen 127.0.0.1:10809 memory --size 1G",
            "  ublk4j export vhost-user --socket /tmp/disk.sock file disk.img",
            "  ublk4j export nbd --socket /tmp/disk.sock mirror a.img b.img --log ab.log",
            "  ublk4j export nbd --socket /tmp/s.sock stripe 'concat(a.img, b.img)' memory:2M",
            "  ublk4j export nbd --socket /tmp/o.sock overlay a.img changes.img --layer fault,delay=5ms"
        },
        subcommands = {ExportNbdCommand.class, ExportVhostUserCommand.class})
final class ExportCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "no protocol given; one of: " + Subcommands.names(spec));
    }
}
