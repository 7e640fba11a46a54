package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.output.Json;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * The one line that a server in the background writes to the process that started it: a JSON object
 * about what it serves, or why it serves nothing.
 */
public final class Report {
    private static final String ERROR = "error";

    /** The signal, the versions, and the frame. */
    private static final int CRASH_LINES = 6;

    private Report() {}

    /** {@return the line of a server that failed} */
    public static String failed(String why) {
        return Json.text(json -> {
            json.writeStartObject();
            json.writeStringProperty(ERROR, why);
            json.writeEndObject();
        });
    }

    /** {@return one line of what a virtual machine says that has crashed: how, and where} */
    static String ofCrash(Stream<String> lines) {
        return lines.map(line -> line.replaceFirst("^#", "").strip())
                .filter(line -> !line.isEmpty())
                .limit(CRASH_LINES)
                .collect(Collectors.joining(" "));
    }

    /**
     * {@return a line that tells of something served}
     *
     * @throws Failure when it tells why there is nothing
     */
    public static String checked(String line) {
        // A virtual machine that cannot even begin says so where the report is to be.
        if (!line.startsWith("{")) {
            throw new Failure("the server did not start: " + line);
        }
        try (JsonParser json = Json.parser(line)) {
            json.nextToken();
            if (json.nextToken() == JsonToken.PROPERTY_NAME && ERROR.equals(json.currentName())) {
                json.nextToken();
                throw new Failure(json.getString());
            }
        }
        return line;
    }
}
