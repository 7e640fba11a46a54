package dev.ublk4j.cli;

import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.layers.ErrorInjector;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Target;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;

/** The kind {@code error}. */
@Command(
        name = "error",
        description = "Another target, some of whose requests fail: a disk that breaks.",
        footer = {
            "",
            "A request fails when it is one of the operations, touches the range, and is the last of"
                    + " so many of those.",
            "",
            "Examples:",
            "  ublk4j add error disk.img --op write --from 512K --every 100",
            "  ublk4j add file disk.img --layer error,op=write,every=100,errno=ENOSPC"
        })
final class ErrorKind extends FilterKind {
    @Option(
            names = "--op",
            paramLabel = "OPERATION",
            converter = OperationName.class,
            description =
                    "Which fail: read, write, flush, discard, write-zeroes. May be repeated. Default:"
                            + " all.")
    private List<Operation> operations = new ArrayList<>();

    @Option(
            names = "--from",
            paramLabel = "BYTES",
            converter = ByteOffset.class,
            description = "Where the range begins. Default: 0.")
    private long from;

    @Option(
            names = "--to",
            paramLabel = "BYTES",
            converter = ByteSize.class,
            description = "The byte behind the range. Default: all to the end.")
    private @Nullable Long to;

    @Option(
            names = "--every",
            paramLabel = "COUNT",
            defaultValue = "1",
            description = "One of so many fails. Default: ${DEFAULT-VALUE}, each.")
    private long every;

    @Option(
            names = "--errno",
            paramLabel = "ERRNO",
            defaultValue = "EIO",
            description = "With which errno, like ENOSPC. Default: ${DEFAULT-VALUE}.")
    private String errno = "";

    /** Reads operations as a person writes them. */
    static final class OperationName implements ITypeConverter<Operation> {
        /** Creates the converter; picocli does so. */
        OperationName() {}

        @Override
        public Operation convert(String text) {
            return Stream.of(Operation.values())
                    .filter(each -> name(each).equals(text.toLowerCase(Locale.ROOT)))
                    .findFirst()
                    .orElseThrow(() ->
                            Choice.unknown(
                                    text, Stream.of(Operation.values()).map(OperationName::name)));
        }

        static String name(Operation operation) {
            return operation.name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    private Errno errno() {
        return Stream.of(Errno.values())
                .filter(each -> each.name().equalsIgnoreCase(errno))
                .findFirst()
                .orElseThrow(() ->
                        new IllegalArgumentException(
                                "'%s' is no errno that is known here, such as EIO or ENOSPC"
                                        .formatted(errno)));
    }

    @Override
    void checkOptions() {
        ErrorInjector.Rule _ = rule();
    }

    private ErrorInjector.Rule rule() {
        ErrorInjector.Rule rule = ErrorInjector.Rule.always(errno()).every(every);
        if (from != 0 || to != null) {
            rule = rule.within(from, to == null ? Long.MAX_VALUE : to);
        }
        return operations.isEmpty()
                ? rule
                : rule.on(operations.getFirst(), operations.toArray(Operation[]::new));
    }

    @Override
    TargetSpec options(TargetSpec spec) {
        TargetSpec told = spec;
        for (Operation operation : operations) {
            told = told.with("op", OperationName.name(operation));
        }
        if (from != 0) {
            told = told.with("from", ByteSize.exact(from));
        }
        if (to != null) {
            told = told.with("to", ByteSize.exact(to));
        }
        if (every != 1) {
            told = told.with("every", Long.toString(every));
        }
        return told.with("errno", errno().name());
    }

    @Override
    Target over(Target below) {
        return new ErrorInjector(below, rule());
    }
}
