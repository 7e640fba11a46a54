package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Table;
import dev.ublk4j.cli.serve.ControlClient;
import dev.ublk4j.cli.serve.FaultStat;
import dev.ublk4j.cli.serve.RunFolders;
import dev.ublk4j.cli.serve.ServedName;
import dev.ublk4j.layers.DiskFault;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ublk4j fault}. */
@Command(
        name = "fault",
        description = "Have a disk do what a broken one does, while it is in use.",
        footer = {
            "",
            "The device must have been added with a fault layer: 'ublk4j add fault file disk.img',"
                    + " or --layer fault. Without WHAT, or with list, its faults are shown. clear"
                    + " takes one of them back by its number, or all; release ends those by which"
                    + " requests hang. Anything else is a fault to inject, in the words of"
                    + " 'ublk4j add fault --help' without dashes.",
            "",
            "Examples:",
            "  ublk4j fault 0 error=EIO,op=write,next=3",
            "  ublk4j fault 0 torn,probability=0.01,seed=7",
            "  ublk4j fault 0 lost,op=flush",
            "  ublk4j fault e0 hang",
            "  ublk4j fault e0 release",
            "  ublk4j fault 0 clear 1",
            "  ublk4j fault 0 list --json"
        })
final class FaultCommand implements Callable<Integer> {
    private static final String LIST = "list";
    private static final String CLEAR = "clear";
    private static final String RELEASE = "release";

    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "N",
            description = "The device, by number, or the export, such as e0.")
    private @Nullable String first;

    @Parameters(
            index = "1..*",
            arity = "0..*",
            paramLabel = "WHAT",
            description = "list, clear [NUMBER], release, or a fault such as error=EIO,op=write.")
    private List<String> rest = new ArrayList<>();

    @Option(
            names = {"-n", "--number"},
            paramLabel = "N",
            description = "Same as N.")
    private @Nullable String named;

    @Option(
            names = "--leg",
            paramLabel = "LEG",
            description =
                    "Where there are several fault layers: over which leg, such as 2 or 1.2; top is"
                            + " the target itself.")
    private @Nullable String leg;

    @Mixin private final OutputFlags output = new OutputFlags();

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public Integer call() {
        List<String> words = new ArrayList<>(rest);
        if (named != null && first != null) {
            words.addFirst(first);
        }
        ServedName name = name(named == null ? first : named);
        String what = words.isEmpty() ? LIST : words.getFirst().toLowerCase(Locale.ROOT);
        List<String> arguments = words.isEmpty() ? words : words.subList(1, words.size());
        if (arguments.size() > (what.equals(CLEAR) ? 1 : 0)) {
            throw wrong("too many words: " + String.join(" ", words));
        }
        DiskFault fault =
                List.of(LIST, CLEAR, RELEASE).contains(what) ? null : fault(words.getFirst());
        int number = arguments.isEmpty() ? 0 : number(arguments.getFirst());
        DriverModule.checkFor(name);
        ControlClient client = RunFolders.ofUser().client(name);
        List<FaultStat> faults =
                switch (what) {
                    case LIST -> client.faults();
                    case CLEAR -> client.clearFaults(leg, number);
                    case RELEASE -> client.releaseFaults(leg);
                    default -> client.inject(leg, fault == null ? "" : fault.toString());
                };
        output.print(json -> FaultStat.write(faults, json), out -> print(faults, out));
        return 0;
    }

    private ServedName name(@Nullable String text) {
        if (text == null) {
            throw wrong("N is missing, the device or the export");
        }
        try {
            return ServedName.parse(text);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private DiskFault fault(String text) {
        try {
            return DiskFault.parse(text);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), Explanation.of(e), e);
        }
    }

    private int number(String text) {
        if (!text.matches("[1-9]\\d{0,8}")) {
            throw wrong("'%s' is no number of a fault".formatted(text));
        }
        return Integer.parseInt(text);
    }

    private ParameterException wrong(String text) {
        return new ParameterException(spec.commandLine(), text);
    }

    private static void print(List<FaultStat> faults, PrintWriter out) {
        Table table = new Table("LEG", "NUMBER", "FAULT", "STRUCK", "HANGING");
        for (FaultStat each : faults) {
            table.row(
                    each.leg(),
                    Integer.toString(each.number()),
                    each.fault(),
                    Long.toString(each.struck()),
                    Long.toString(each.hanging()));
        }
        table.print(out);
    }
}
