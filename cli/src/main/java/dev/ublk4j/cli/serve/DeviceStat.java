package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Json;
import dev.ublk4j.driver.DataCounters;
import dev.ublk4j.server.DeviceCounters;
import dev.ublk4j.server.DeviceStatistics;
import dev.ublk4j.server.Latency;
import dev.ublk4j.server.Mode;
import dev.ublk4j.sharing.adopt.AdoptionState;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * What a server has done with a device or an export since it began to serve it.
 *
 * @param name which one
 * @param target the target and what is behind it, for a person
 * @param mode who brings the data of its requests
 * @param done the server's own counts
 * @param misses why requests were copied, by reason; null where the driver does not tell
 * @param legs what the target is made of, where it is made of several others
 * @param images the images of rbd in it, with who uses them
 * @param adopted the memory of programs that do not know of it; empty where none is shared
 */
public record DeviceStat(
        ServedName name,
        String target,
        String mode,
        DeviceStatistics done,
        @Nullable Map<String, Long> misses,
        List<LegStat> legs,
        List<ImageStat> images,
        AdoptionState adopted) {
    private static final AdoptionState NOTHING = new AdoptionState(List.of(), 0, 0);

    /** Copies the lists. */
    public DeviceStat {
        legs = List.copyOf(legs);
        images = List.copyOf(images);
    }

    /** A device whose target is not made of others. */
    public DeviceStat(
            ServedName name,
            String target,
            String mode,
            DeviceStatistics done,
            @Nullable Map<String, Long> misses) {
        this(name, target, mode, done, misses, List.of(), List.of(), NOTHING);
    }

    static DeviceStat of(
            ServedName name,
            String target,
            Mode mode,
            DeviceStatistics done,
            Optional<DataCounters> driver,
            List<LegStat> legs,
            List<ImageStat> images,
            @Nullable AdoptionState adopted) {
        return new DeviceStat(
                name,
                target,
                mode.toString(),
                done,
                driver.map(DataCounters::missesByReason).orElse(null),
                legs,
                images,
                adopted == null ? NOTHING : adopted);
    }

    /** {@return all of it as a JSON object} */
    public String json() {
        return Json.text(this::write);
    }

    /** Writes all of it as a JSON object. */
    public void write(JsonGenerator json) {
        DeviceCounters data = done.data();
        Latency latency = done.latency();
        json.writeStartObject();
        name.write(json);
        json.writeStringProperty("target", target);
        json.writeStringProperty("mode", mode);
        write(json, "operations", done.operations());
        json.writeNumberProperty("failed", done.failed());
        json.writeNumberProperty("lost_buffer", done.lost());
        json.writeNumberProperty("out", done.out());
        json.writeNumberProperty("slots", done.slots());
        json.writeNumberProperty("threads", done.threads());
        json.writeNumberProperty("shared_requests", data.sharedRequests());
        json.writeNumberProperty("shared_bytes", data.sharedBytes());
        json.writeNumberProperty("copied_requests", data.copiedRequests());
        json.writeNumberProperty("copied_bytes", data.copiedBytes());
        json.writeNumberProperty("registered_requests", data.registeredRequests());
        json.writeNumberProperty("registered_bytes", data.registeredBytes());
        if (misses != null) {
            write(json, "misses", misses);
        }
        json.writeNumberProperty("latency_samples", latency.samples());
        json.writeNumberProperty("latency_p50_ns", latency.medianNanos());
        json.writeNumberProperty("latency_p99_ns", latency.p99Nanos());
        json.writeNumberProperty("latency_max_ns", latency.maxNanos());
        if (!legs.isEmpty()) {
            json.writeArrayPropertyStart("legs");
            legs.forEach(leg -> leg.write(json));
            json.writeEndArray();
        }
        if (!images.isEmpty()) {
            json.writeArrayPropertyStart("images");
            images.forEach(image -> image.write(json));
            json.writeEndArray();
        }
        AdoptionJson.write(adopted, json);
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, String name, Map<String, Long> counts) {
        json.writeObjectPropertyStart(name);
        counts.forEach(json::writeNumberProperty);
        json.writeEndObject();
    }

    /**
     * {@return what a JSON object says}
     *
     * @throws RuntimeException when it is none
     */
    static DeviceStat parse(String text) {
        try (JsonParser json = Json.parser(text)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new IllegalArgumentException("not a JSON object: " + text);
            }
            return read(json);
        }
    }

    private static DeviceStat read(JsonParser json) {
        Map<String, Long> numbers = new LinkedHashMap<>();
        Map<String, Long> operations = Map.of();
        Map<String, Long> misses = null;
        String target = "?";
        String mode = "?";
        String export = null;
        List<LegStat> legs = new ArrayList<>();
        List<ImageStat> images = new ArrayList<>();
        AdoptionState adopted = NOTHING;
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
            String property = json.currentName();
            JsonToken value = json.nextToken();
            switch (property) {
                case "operations" -> operations = readCounts(json);
                case "misses" -> misses = readCounts(json);
                case "target" -> target = json.getString();
                case "mode" -> mode = json.getString();
                case "export" -> export = json.getString();
                case "legs" -> {
                    while (json.nextToken() == JsonToken.START_OBJECT) {
                        legs.add(LegStat.read(json));
                    }
                }
                case "images" -> {
                    while (json.nextToken() == JsonToken.START_OBJECT) {
                        images.add(ImageStat.read(json));
                    }
                }
                case AdoptionJson.ADOPTED -> adopted = AdoptionJson.read(json);
                default -> {
                    if (value == JsonToken.VALUE_NUMBER_INT) {
                        numbers.put(property, json.getLongValue());
                    } else {
                        json.skipChildren();
                    }
                }
            }
        }
        return new DeviceStat(
                export == null
                        ? ServedName.device((int) number(numbers, "id"))
                        : ServedName.parse(export),
                target,
                mode,
                new DeviceStatistics(
                        new DeviceCounters(
                                number(numbers, "shared_requests"),
                                number(numbers, "shared_bytes"),
                                number(numbers, "copied_requests"),
                                number(numbers, "copied_bytes"),
                                number(numbers, "registered_requests"),
                                number(numbers, "registered_bytes")),
                        operations,
                        number(numbers, "failed"),
                        number(numbers, "lost_buffer"),
                        number(numbers, "out"),
                        (int) number(numbers, "slots"),
                        (int) number(numbers, "threads"),
                        new Latency(
                                number(numbers, "latency_samples"),
                                number(numbers, "latency_p50_ns"),
                                number(numbers, "latency_p99_ns"),
                                number(numbers, "latency_max_ns"))),
                misses,
                legs,
                images,
                adopted);
    }

    private static long number(Map<String, Long> numbers, String name) {
        return numbers.getOrDefault(name, 0L);
    }

    private static Map<String, Long> readCounts(JsonParser json) {
        Map<String, Long> counts = new LinkedHashMap<>();
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = json.currentName();
            json.nextToken();
            counts.put(name, json.getLongValue());
        }
        return counts;
    }
}
