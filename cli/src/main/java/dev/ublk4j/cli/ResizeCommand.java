package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Json;
import dev.ublk4j.cli.serve.ControlClient;
import dev.ublk4j.cli.serve.RunFolders;
import dev.ublk4j.cli.serve.ServedName;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code ublk4j resize}. */
@Command(
        name = "resize",
        description = "Change the size of a live device or export.",
        footer = {
            "",
            "The file behind a device grows with it and never shrinks. Resize the file"
                    + " system with its own tools: after growing the device, before shrinking it.",
            "",
            "Clients of vhost-user are told of it. Those of NBD see it when they connect again.",
            "",
            "Examples:",
            "  ublk4j resize 0 2G",
            "  ublk4j resize -n e0 --size 2G"
        })
final class ResizeCommand implements Callable<Integer> {
    @Mixin private final NameFirst target = new NameFirst();

    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "SIZE",
            description = "The new size, such as 512M or 2G.")
    private @Nullable String second;

    @Option(
            names = {"-s", "--size"},
            paramLabel = "SIZE",
            description = "Same as SIZE.")
    private @Nullable String size;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Mixin private final OutputFlags output = new OutputFlags();

    @Override
    public Integer call() {
        ServedName name = target.name();
        long bytes = bytes();
        DriverModule.checkFor(name);
        ControlClient client = RunFolders.ofUser().client(name);
        String resized =
                name.isExport()
                        ? Json.text(client.resizeExport(bytes)::write)
                        : client.resize(bytes).json();
        if (output.json()) {
            output.out().println(resized);
            output.out().flush();
        }
        return 0;
    }

    private long bytes() {
        String argument = target.other(second);
        if (argument != null && size != null) {
            throw target.wrong("SIZE is given twice: as an argument and with --size");
        }
        String text = size == null ? argument : size;
        if (text == null) {
            throw target.missing("SIZE");
        }
        try {
            return ByteSize.parse(text);
        } catch (TypeConversionException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }
}
