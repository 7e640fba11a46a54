package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.RunFolders;
import dev.ublk4j.cli.serve.ServedName;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code ublk4j mark}. */
@Command(
        name = "mark",
        description = "Leave a mark in the recording of a device.",
        footer = {
            "",
            "The device must have been added with record. 'ublk4j replay --until MARK' finds it.",
            "",
            "Examples:",
            "  ublk4j mark 0 'after mkfs'",
            "  ublk4j mark e0 committed"
        })
final class MarkCommand implements Callable<Integer> {
    @Parameters(
            index = "0",
            paramLabel = "N",
            converter = ServedNames.Reader.class,
            description = "The device, by number, or the export, such as e0.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private ServedName name;

    @Parameters(index = "1", paramLabel = "TEXT", description = "What the mark says.")
    private String text = "";

    @Override
    public Integer call() {
        DriverModule.checkFor(name);
        RunFolders.ofUser().client(name).mark(text);
        return 0;
    }
}
