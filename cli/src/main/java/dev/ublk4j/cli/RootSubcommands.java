package dev.ublk4j.cli;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/**
 * The sub-commands of {@code ublk4j}.
 *
 * <p>picocli reads the annotations of every command that it is given, which takes longer than most
 * commands. So a command line that begins with the name of one gets that one only.
 */
final class RootSubcommands {
    private RootSubcommands() {}

    /** Adds all. */
    static void addAll(CommandLine root) {
        List.of(
                        new AddCommand(),
                        new ExportCommand(),
                        new CopyCommand(),
                        new StopCommand(),
                        new DelCommand(),
                        new ListCommand(),
                        new StatCommand(),
                        new ResizeCommand(),
                        new ResyncCommand(),
                        new CommitCommand(),
                        new FaultCommand(),
                        new MarkCommand(),
                        new ReplayCommand(),
                        new BisectCommand(),
                        new QuiesceCommand(),
                        new RecoverCommand(),
                        new ShmemCommand(),
                        new SnapshotsCommand(),
                        new FeaturesCommand(),
                        new DemoCommand(),
                        new VmCommand(),
                        new DoctorCommand(),
                        new HelpCommand(),
                        new CompletionCommand())
                .forEach(root::addSubcommand);
    }

    /** Adds those that these arguments may be about. */
    static void addFor(CommandLine root, String... arguments) {
        Object only = arguments.length == 0 ? null : named(arguments[0]);
        if (only == null) {
            addAll(root);
        } else {
            root.addSubcommand(only);
        }
    }

    /** {@return the command of that name, or null when there is none or it speaks of the others} */
    private static @Nullable Object named(String word) {
        return switch (word.toLowerCase(Locale.ROOT)) {
            case "add" -> new AddCommand();
            case "export" -> new ExportCommand();
            case "copy" -> new CopyCommand();
            case "stop" -> new StopCommand();
            case "del", "delete", "rm" -> new DelCommand();
            case "list", "ls" -> new ListCommand();
            case "stat" -> new StatCommand();
            case "resize" -> new ResizeCommand();
            case "resync" -> new ResyncCommand();
            case "commit" -> new CommitCommand();
            case "fault" -> new FaultCommand();
            case "mark" -> new MarkCommand();
            case "replay" -> new ReplayCommand();
            case "bisect" -> new BisectCommand();
            case "quiesce" -> new QuiesceCommand();
            case "recover" -> new RecoverCommand();
            case "shmem" -> new ShmemCommand();
            case "snapshots" -> new SnapshotsCommand();
            case "features" -> new FeaturesCommand();
            case "demo" -> new DemoCommand();
            case "vm" -> new VmCommand();
            case "doctor" -> new DoctorCommand();
            default -> null;
        };
    }
}
