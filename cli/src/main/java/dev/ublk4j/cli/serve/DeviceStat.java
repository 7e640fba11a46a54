package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Json;
import dev.ublk4j.driver.DataCounters;
import dev.ublk4j.server.DeviceCounters;
import dev.ublk4j.server.DeviceStatistics;
import dev.ublk4j.server.Latency;
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
 * What a server has done with a device since it began to serve it.
 *
 * @param id the device's number
 * @param target the target and what is behind it, for a person
 * @param done the server's own counts
 * @param misses why requests were copied, by reason; null where the driver does not tell
 * @param legs what the target is made of, where it is made of several others
 */
public record DeviceStat(
        int id,
        String target,
        DeviceStatistics done,
        @Nullable Map<String, Long> misses,
        List<LegStat> legs) {
    /** Copies the list. */
    public DeviceStat {
        legs = List.copyOf(legs);
    }

    /** A device whose target is not made of others. */
    public DeviceStat(
            int id, String target, DeviceStatistics done, @Nullable Map<String, Long> misses) {
        this(id, target, done, misses, List.of());
    }

    static DeviceStat of(
            ServedDevice served,
            DeviceStatistics done,
            Optional<DataCounters> driver,
            List<LegStat> legs) {
        return new DeviceStat(
                served.id(),
                served.targetText(),
                done,
                driver.map(DataCounters::missesByReason).orElse(null),
                legs);
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
        json.writeNumberProperty("id", id);
        json.writeStringProperty("target", target);
        write(json, "operations", done.operations());
        json.writeNumberProperty("failed", done.failed());
        json.writeNumberProperty("lost_buffer", done.lost());
        json.writeNumberProperty("out", done.out());
        json.writeNumberProperty("slots", done.slots());
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
        List<LegStat> legs = new ArrayList<>();
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = json.currentName();
            JsonToken value = json.nextToken();
            switch (name) {
                case "operations" -> operations = readCounts(json);
                case "misses" -> misses = readCounts(json);
                case "target" -> target = json.getString();
                case "legs" -> {
                    while (json.nextToken() == JsonToken.START_OBJECT) {
                        legs.add(LegStat.read(json));
                    }
                }
                default -> {
                    if (value == JsonToken.VALUE_NUMBER_INT) {
                        numbers.put(name, json.getLongValue());
                    } else {
                        json.skipChildren();
                    }
                }
            }
        }
        return new DeviceStat(
                (int) number(numbers, "id"),
                target,
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
                        new Latency(
                                number(numbers, "latency_samples"),
                                number(numbers, "latency_p50_ns"),
                                number(numbers, "latency_p99_ns"),
                                number(numbers, "latency_max_ns"))),
                misses,
                legs);
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
