package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.output.Json;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * The one line that a server in the background writes to the process that started it: a JSON object
 * about what it serves, or why it serves nothing.
 */
public final class Report {
    private static final String ERROR = "error";

    private Report() {}

    /** {@return the line of a server that failed} */
    public static String failed(String why) {
        return Json.text(json -> {
            json.writeStartObject();
            json.writeStringProperty(ERROR, why);
            json.writeEndObject();
        });
    }

    /**
     * {@return a line that tells of something served}
     *
     * @throws Failure when it tells why there is nothing
     */
    public static String checked(String line) {
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
