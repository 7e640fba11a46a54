package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Table;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.uapi.Feature;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import tools.jackson.core.JsonGenerator;

/** {@code ublk4j features}. */
@Command(name = "features", description = "List the features of the ublk driver of this kernel.")
final class FeaturesCommand implements Callable<Integer> {
    @Mixin private final OutputFlags output = new OutputFlags();

    @Override
    public Integer call() {
        DriverModule.load(output.err());
        try (KernelDriver driver = KernelDriver.open()) {
            // Of a driver that does not tell, Explanation says since when drivers do.
            long bits = new Control(driver).featureBits();
            output.print(json -> write(bits, json), out -> print(bits, out));
        }
        return 0;
    }

    static void print(long bits, PrintWriter out) {
        Table table = new Table("FEATURE", "HERE", "LINUX", "WHAT IT IS");
        for (Feature feature : Feature.values()) {
            table.row(
                    feature.name(),
                    feature.in(bits) ? "yes" : "no",
                    feature.since(),
                    feature.description());
        }
        long unknown = bits & ~knownBits();
        if (unknown != 0) {
            table.row(
                    "0x" + Long.toHexString(unknown),
                    "yes",
                    "",
                    "unknown to this version of ublk4j");
        }
        table.print(out);
    }

    private static long knownBits() {
        long known = 0;
        for (Feature feature : Feature.values()) {
            known |= feature.mask();
        }
        return known;
    }

    static void write(long bits, JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("bits", "0x" + Long.toHexString(bits));
        json.writeArrayPropertyStart("features");
        for (Feature feature : Feature.values()) {
            json.writeStartObject();
            json.writeStringProperty("name", feature.cName());
            json.writeBooleanProperty("supported", feature.in(bits));
            json.writeStringProperty("since", feature.since());
            json.writeStringProperty("description", feature.description());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }
}
