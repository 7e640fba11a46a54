package dev.ublk4j.cli;

import dev.ublk4j.cli.doctor.Examination;
import dev.ublk4j.cli.doctor.Finding;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import tools.jackson.core.JsonGenerator;

/** {@code ublk4j doctor}. */
@Command(
        name = "doctor",
        description = "Check what this machine can do, and print the commands that fix the rest.",
        footer = {"", "Exits with 0 if this machine can serve a device, with 1 otherwise."})
final class DoctorCommand implements Callable<Integer> {
    @Mixin private final OutputFlags output = new OutputFlags();

    @Override
    public Integer call() {
        List<Finding> findings = Examination.run();
        output.print(json -> write(json, findings), out -> print(findings, out));
        return Examination.passed(findings) ? 0 : Main.FAILED;
    }

    private static void print(List<Finding> findings, PrintWriter out) {
        for (Finding finding : findings) {
            out.printf("%-4s  %-12s  %s%n", level(finding), finding.subject(), finding.text());
            if (!finding.remedy().isEmpty()) {
                out.printf("%-4s  %-12s  -> %s%n", "", "", finding.remedy());
            }
        }
        out.println(
                Examination.passed(findings)
                        ? "This machine can serve a ublk device."
                        : "This machine cannot serve a ublk device.");
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
