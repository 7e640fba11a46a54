package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Json;
import java.io.PrintWriter;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.core.JsonGenerator;

/** Where a command prints, and whether for a person or for a program. */
@Command
final class OutputFlags {
    @Option(names = "--json", description = "Print JSON, on one line.")
    private boolean json;

    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    boolean json() {
        return json;
    }

    PrintWriter out() {
        return spec.commandLine().getOut();
    }

    PrintWriter err() {
        return spec.commandLine().getErr();
    }

    /** Prints the same thing in the way that is asked for. */
    void print(Consumer<JsonGenerator> asJson, Consumer<PrintWriter> asText) {
        PrintWriter out = out();
        if (json) {
            out.println(Json.text(asJson));
        } else {
            asText.accept(out);
        }
        out.flush();
    }
}
