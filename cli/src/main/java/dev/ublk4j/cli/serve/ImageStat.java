package dev.ublk4j.cli.serve;

import dev.ublk4j.rbd.ImageUse;
import dev.ublk4j.rbd.RbdTarget;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * An image of rbd in a device's target, and who uses it.
 *
 * @param image the image
 * @param use who uses it, null where its cluster does not say so
 */
public record ImageStat(String image, @Nullable ImageUse use) {
    /** How long a cluster may take to answer: statistics are worth having without it. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    static ImageStat of(RbdTarget target) {
        return new ImageStat(target.name().toString(), target.use(PATIENCE));
    }

    /** {@return who uses it, for a person} */
    public String text() {
        if (use == null) {
            return image + ", the cluster does not say who uses it";
        }
        String lock =
                use.lockOwner() == null
                        ? "not locked"
                        : "locked by %s%s"
                                .formatted(use.lockOwner(), use.isOurs() ? ", this server" : "");
        String watchers = use.watchers().isEmpty() ? "none" : String.join(", ", use.watchers());
        return "%s, %s; watchers: %s".formatted(image, lock, watchers);
    }

    void write(JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("image", image);
        if (use != null) {
            if (use.lockOwner() != null) {
                json.writeStringProperty("lock_owner", use.lockOwner());
            }
            json.writeBooleanProperty("locked_here", use.isOurs());
            json.writeArrayPropertyStart("watchers");
            use.watchers().forEach(json::writeString);
            json.writeEndArray();
        }
        json.writeEndObject();
    }

    static ImageStat read(JsonParser json) {
        String image = "?";
        String owner = null;
        boolean isOurs = false;
        List<String> watchers = null;
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = json.currentName();
            json.nextToken();
            switch (name) {
                case "image" -> image = json.getString();
                case "lock_owner" -> owner = json.getString();
                case "locked_here" -> isOurs = json.getBooleanValue();
                case "watchers" -> {
                    watchers = new ArrayList<>();
                    while (json.nextToken() == JsonToken.VALUE_STRING) {
                        watchers.add(json.getString());
                    }
                }
                default -> json.skipChildren();
            }
        }
        return new ImageStat(
                image, watchers == null ? null : new ImageUse(owner, isOurs, watchers));
    }
}
