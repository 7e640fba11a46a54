package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.DeviceControl;
import dev.ublk4j.cli.serve.RunFolders;
import dev.ublk4j.cli.serve.ServedDevice;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
        description = "Change the size of a live device.",
        footer = {
            "",
            "The file behind a device grows with it and never shrinks. Resize the file"
                    + " system with its own tools: after growing the device, before shrinking it."
        })
final class ResizeCommand implements Callable<Integer> {
    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "N",
            description = "The device, by number.")
    private @Nullable String first;

    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "SIZE",
            description = "The new size, such as 512M or 2G.")
    private @Nullable String second;

    @Option(
            names = {"-n", "--number"},
            paramLabel = "N",
            description = "Same as N.")
    private @Nullable Integer number;

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
        ArrayDeque<String> words =
                Stream.of(first, second)
                        .filter(Objects::nonNull)
                        .collect(Collectors.toCollection(ArrayDeque::new));
        int device = number != null ? number : number(next(words, "N"));
        long bytes = bytes(size != null ? size : next(words, "SIZE"));
        if (!words.isEmpty()) {
            throw wrong("N or SIZE is given twice: as an argument and as an option");
        }
        DriverModule.check();
        ServedDevice resized = DeviceControl.resize(RunFolders.ofUser().of(device), device, bytes);
        if (output.json()) {
            output.out().println(resized.json());
            output.out().flush();
        }
        return 0;
    }

    private String next(ArrayDeque<String> words, String label) {
        if (words.isEmpty()) {
            throw wrong(label + " is missing; type: ublk4j resize N SIZE");
        }
        return words.remove();
    }

    private int number(String text) {
        if (!text.matches("\\d{1,9}")) {
            throw wrong(
                    text.isEmpty() ? "N is empty" : "'%s' is not a device number".formatted(text));
        }
        return Integer.parseInt(text);
    }

    private long bytes(String text) {
        try {
            return ByteSize.parse(text);
        } catch (TypeConversionException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private ParameterException wrong(String text) {
        return new ParameterException(spec.commandLine(), text);
    }
}
