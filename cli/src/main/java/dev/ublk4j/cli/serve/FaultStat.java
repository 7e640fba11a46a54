package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Json;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * A fault that has been injected.
 *
 * @param leg the place of its layer, {@code top} for the target itself
 * @param number what it is called there
 * @param fault what it is, as {@link dev.ublk4j.layers.DiskFault} writes it
 * @param struck how many requests it has struck
 * @param hanging how many requests hang because of it
 */
public record FaultStat(String leg, int number, String fault, long struck, long hanging) {
    private static final String FAULTS = "faults";

    /** Writes faults as one JSON object. */
    public static void write(List<FaultStat> faults, JsonGenerator json) {
        json.writeStartObject();
        json.writeArrayPropertyStart(FAULTS);
        faults.forEach(each -> each.write(json));
        json.writeEndArray();
        json.writeEndObject();
    }

    private void write(JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("leg", leg);
        json.writeNumberProperty("number", number);
        json.writeStringProperty("fault", fault);
        json.writeNumberProperty("struck", struck);
        json.writeNumberProperty("hanging", hanging);
        json.writeEndObject();
    }

    /** {@return what {@link #write(List, JsonGenerator)} wrote} */
    static List<FaultStat> parse(String text) {
        List<FaultStat> faults = new ArrayList<>();
        try (JsonParser json = Json.parser(text)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.PROPERTY_NAME) {
                boolean isThem = json.currentName().equals(FAULTS);
                json.nextToken();
                if (!isThem) {
                    json.skipChildren();
                    continue;
                }
                while (json.nextToken() == JsonToken.START_OBJECT) {
                    faults.add(read(json));
                }
            }
        }
        return faults;
    }

    private static FaultStat read(JsonParser json) {
        String leg = "?";
        String fault = "?";
        long number = 0;
        long struck = 0;
        long hanging = 0;
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = json.currentName();
            json.nextToken();
            switch (name) {
                case "leg" -> leg = json.getString();
                case "fault" -> fault = json.getString();
                case "number" -> number = json.getLongValue();
                case "struck" -> struck = json.getLongValue();
                case "hanging" -> hanging = json.getLongValue();
                default -> json.skipChildren();
            }
        }
        return new FaultStat(leg, (int) number, fault, struck, hanging);
    }
}
