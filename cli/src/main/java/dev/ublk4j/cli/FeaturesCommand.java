package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Json;
import dev.ublk4j.cli.output.Table;
import dev.ublk4j.driver.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.uapi.Feature;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.core.JsonGenerator;

/** {@code ublk4j features}. */
@Command(name = "features", description = "List what this kernel's ublk driver can do.")
final class FeaturesCommand implements Callable<Integer> {
    @Option(names = "--json", description = "Print a JSON object.")
    private boolean json;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public Integer call() {
        DriverModule.load(spec.commandLine().getErr());
        long bits;
        try (KernelDriver driver = KernelDriver.open()) {
            bits = new Control(driver).featureBits();
        }
        print(bits, json, spec.commandLine().getOut());
        return 0;
    }

    static void print(long bits, boolean json, PrintWriter out) {
        long unknown = bits & ~knownBits();
        if (json) {
            out.println(Json.text(generator -> write(generator, bits)));
        } else {
            Table table = new Table("FEATURE", "HERE", "WHAT IT IS");
            for (Feature feature : Feature.values()) {
                table.row(feature.name(), feature.in(bits) ? "yes" : "no", feature.description());
            }
            if (unknown != 0) {
                table.row("0x" + Long.toHexString(unknown), "yes", "newer than this program");
            }
            table.print(out);
        }
        out.flush();
    }

    private static long knownBits() {
        long known = 0;
        for (Feature feature : Feature.values()) {
            known |= feature.mask();
        }
        return known;
    }

    private static void write(JsonGenerator json, long bits) {
        json.writeStartObject();
        json.writeStringProperty("bits", "0x" + Long.toHexString(bits));
        json.writeArrayPropertyStart("features");
        for (Feature feature : Feature.values()) {
            json.writeStartObject();
            json.writeStringProperty("name", feature.cName());
            json.writeBooleanProperty("supported", feature.in(bits));
            json.writeStringProperty("description", feature.description());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }
}
