package dev.ublk4j.cli.serve;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * One of the targets that a device's target is made of.
 *
 * @param place where, such as 1.2 for the second leg of the first leg
 * @param target what it is
 * @param state how it is there, null where there is nothing to say
 */
public record LegStat(String place, String target, @Nullable String state) {
    /** The words for legs of a mirror. */
    static final String IN_STEP = "in step";

    static final String SYNCING = "syncing";
    static final String FAILED = "failed";

    /** {@return whether it is of a mirror and has not all of its data} */
    boolean isDegraded() {
        return FAILED.equals(state) || SYNCING.equals(state);
    }

    void write(JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("leg", place);
        json.writeStringProperty("target", target);
        if (state != null) {
            json.writeStringProperty("state", state);
        }
        json.writeEndObject();
    }

    static LegStat read(JsonParser json) {
        String place = "?";
        String target = "?";
        String state = null;
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = json.currentName();
            json.nextToken();
            switch (name) {
                case "leg" -> place = json.getString();
                case "target" -> target = json.getString();
                case "state" -> state = json.getString();
                default -> json.skipChildren();
            }
        }
        return new LegStat(place, target, state);
    }
}
