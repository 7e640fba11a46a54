package dev.ublk4j.cli.serve;

import dev.ublk4j.sharing.adopt.AdoptedProgram;
import dev.ublk4j.sharing.adopt.AdoptionState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** What a device has adopted, as a property of its statistics; none where that is nothing. */
final class AdoptionJson {
    static final String ADOPTED = "adopted";

    /**
     * Programs that are told of: an answer of the {@link ControlSocket} is no longer than a line.
     */
    private static final int MOST_PROGRAMS = 64;

    private AdoptionJson() {}

    static void write(AdoptionState adopted, JsonGenerator json) {
        if (adopted.programs().isEmpty()) {
            return;
        }
        json.writeObjectPropertyStart(ADOPTED);
        json.writeNumberProperty("shared_requests", adopted.sharedRequests());
        json.writeNumberProperty("copied_requests", adopted.copiedRequests());
        json.writeArrayPropertyStart("programs");
        adopted.programs().stream().limit(MOST_PROGRAMS).forEach(each -> write(each, json));
        json.writeEndArray();
        json.writeEndObject();
    }

    private static void write(AdoptedProgram program, JsonGenerator json) {
        json.writeStartObject();
        json.writeNumberProperty("pid", program.pid());
        json.writeStringProperty("name", program.name());
        json.writeNumberProperty("buffers", program.buffers());
        json.writeNumberProperty("bytes", program.bytes());
        json.writeNumberProperty("page_size", program.pageSize());
        json.writeNumberProperty("processes", program.processes());
        json.writeNumberProperty("direct_files", program.direct());
        json.writeNumberProperty("buffered_files", program.buffered());
        json.writeArrayPropertyStart("advice");
        program.advice().forEach(json::writeString);
        json.writeEndArray();
        json.writeEndObject();
    }

    static AdoptionState read(JsonParser json) {
        Map<String, Long> numbers = new HashMap<>();
        List<AdoptedProgram> programs = new ArrayList<>();
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = json.currentName();
            JsonToken value = json.nextToken();
            if (value == JsonToken.VALUE_NUMBER_INT) {
                numbers.put(name, json.getLongValue());
            } else if (name.equals("programs")) {
                while (json.nextToken() == JsonToken.START_OBJECT) {
                    programs.add(readProgram(json));
                }
            } else {
                json.skipChildren();
            }
        }
        return new AdoptionState(
                programs,
                numbers.getOrDefault("shared_requests", 0L),
                numbers.getOrDefault("copied_requests", 0L));
    }

    private static AdoptedProgram readProgram(JsonParser json) {
        Map<String, Long> numbers = new HashMap<>();
        String text = "?";
        List<String> advice = new ArrayList<>();
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = json.currentName();
            JsonToken value = json.nextToken();
            if (value == JsonToken.VALUE_NUMBER_INT) {
                numbers.put(name, json.getLongValue());
            } else if (name.equals("name")) {
                text = json.getString();
            } else if (name.equals("advice")) {
                while (json.nextToken() == JsonToken.VALUE_STRING) {
                    advice.add(json.getString());
                }
            } else {
                json.skipChildren();
            }
        }
        return new AdoptedProgram(
                (int) number(numbers, "pid"),
                text,
                (int) number(numbers, "buffers"),
                number(numbers, "bytes"),
                number(numbers, "page_size"),
                (int) number(numbers, "processes"),
                (int) number(numbers, "direct_files"),
                (int) number(numbers, "buffered_files"),
                advice);
    }

    private static long number(Map<String, Long> numbers, String name) {
        return numbers.getOrDefault(name, 0L);
    }
}
