package dev.ublk4j.cli;

import dev.ublk4j.cli.doctor.Examination;
import dev.ublk4j.cli.doctor.Finding;
import dev.ublk4j.cli.output.Json;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.core.JsonGenerator;

/** {@code ublk4j doctor}. */
@Command(
        name = "doctor",
        description = "Say what this machine can do, and what to type to fix the rest.",
        footer = {"", "Ends with 0 when a device can be served here, with 1 otherwise."})
final class DoctorCommand implements Callable<Integer> {
    @Option(names = "--json", description = "Print a JSON object.")
    private boolean json;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public Integer call() {
        List<Finding> findings = Examination.run();
        print(findings, json, spec.commandLine().getOut());
        return Examination.passed(findings) ? 0 : Main.FAILED;
    }

    static void print(List<Finding> findings, boolean json, PrintWriter out) {
        if (json) {
            out.println(Json.text(generator -> write(generator, findings)));
        } else {
            for (Finding finding : findings) {
                out.printf("%-4s  %-12s  %s%n", level(finding), finding.subject(), finding.text());
                if (!finding.remedy().isEmpty()) {
                    out.printf("%-4s  %-12s  -> %s%n", "", "", finding.remedy());
                }
            }
            out.println(
                    Examination.passed(findings)
                            ? "A device can be served here."
                            : "No device can be served here.");
        }
        out.flush();
    }

    private static String level(Finding finding) {
        return finding.level().name().toLowerCase(Locale.ROOT);
    }

    private static void write(JsonGenerator json, List<Finding> findings) {
        json.writeStartObject();
        json.writeBooleanProperty("can_serve", Examination.passed(findings));
        json.writeArrayPropertyStart("findings");
        for (Finding finding : findings) {
            json.writeStartObject();
            json.writeStringProperty("level", level(finding));
            json.writeStringProperty("subject", finding.subject());
            json.writeStringProperty("text", finding.text());
            json.writeStringProperty("remedy", finding.remedy());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }
}
