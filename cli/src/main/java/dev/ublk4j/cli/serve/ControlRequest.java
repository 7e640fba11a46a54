package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Json;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * What a process asks of one that serves: a JSON object such as {@code
 * {"do":"resync","leg":"1.2"}}.
 *
 * @param command what is to be done
 * @param arguments by name
 */
record ControlRequest(String command, Map<String, String> arguments) {
    private static final String DO = "do";

    /** Copies the arguments. */
    ControlRequest {
        arguments = Map.copyOf(arguments);
    }

    /** {@return a request without arguments} */
    static ControlRequest of(String command) {
        return new ControlRequest(command, Map.of());
    }

    /** {@return the same with one more argument, unless that is null} */
    ControlRequest with(String name, @Nullable String value) {
        if (value == null) {
            return this;
        }
        Map<String, String> more = new LinkedHashMap<>(arguments);
        more.put(name, value);
        return new ControlRequest(command, more);
    }

    /** {@return an argument, null where it is not given} */
    @Nullable String argument(String name) {
        return arguments.get(name);
    }

    /** {@return it as a JSON object} */
    String json() {
        return Json.text(json -> {
            json.writeStartObject();
            json.writeStringProperty(DO, command);
            new TreeMap<>(arguments).forEach(json::writeStringProperty);
            json.writeEndObject();
        });
    }

    /** {@return what a JSON object says} */
    static ControlRequest parse(String text) {
        String command = "";
        Map<String, String> arguments = new LinkedHashMap<>();
        try (JsonParser json = Json.parser(text)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = json.currentName();
                JsonToken value = json.nextToken();
                if (value.isStructStart()) {
                    json.skipChildren();
                } else if (name.equals(DO)) {
                    command = json.getString();
                } else if (value != JsonToken.VALUE_NULL) {
                    arguments.put(name, json.getString());
                }
            }
        }
        return new ControlRequest(command, arguments);
    }
}
