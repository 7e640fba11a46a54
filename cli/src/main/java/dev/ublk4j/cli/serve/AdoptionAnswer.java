package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Json;
import dev.ublk4j.sharedmemory.FileIdentity;
import dev.ublk4j.sharing.adopt.AdoptionReport;
import dev.ublk4j.sharing.adopt.AdoptionReport.AdoptedBuffer;
import dev.ublk4j.sharing.adopt.Candidate;
import dev.ublk4j.sharing.adopt.Candidate.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * What a server says of the memory of a process, which fits into one line of the {@link
 * ControlSocket} however many mappings there are.
 *
 * @param report what it has found and done, with the largest mappings and the first buffers
 * @param mappings how many mappings there are
 * @param buffers how many buffers have been registered
 * @param bytes of those
 */
public record AdoptionAnswer(AdoptionReport report, int mappings, int buffers, long bytes) {
    private static final int MOST_ROWS = 64;
    private static final int MOST_PROCESSES = 32;
    private static final int LONGEST_NAME = 120;

    /** An answer with all of a report. */
    public AdoptionAnswer(AdoptionReport report) {
        this(report, report.candidates().size(), report.buffers().size(), report.bytes());
    }

    /** {@return as a JSON object} */
    public String json() {
        return Json.text(this::write);
    }

    /** Writes it as a JSON object. */
    public void write(JsonGenerator json) {
        json.writeStartObject();
        json.writeNumberProperty("pid", report.pid());
        json.writeStringProperty("program", report.program());
        json.writeNumberProperty("mapping_count", mappings);
        json.writeArrayPropertyStart("mappings");
        report.candidates().stream().limit(MOST_ROWS).forEach(each -> write(each, json));
        json.writeEndArray();
        json.writeNumberProperty("buffer_count", buffers);
        json.writeNumberProperty("buffer_bytes", bytes);
        json.writeNumberProperty("known_bytes", report.known());
        json.writeArrayPropertyStart("buffers");
        report.buffers().stream().limit(MOST_ROWS).forEach(each -> write(each, json));
        json.writeEndArray();
        json.writeArrayPropertyStart("complaints");
        report.complaints().stream().limit(MOST_ROWS).forEach(json::writeString);
        json.writeEndArray();
        json.writeEndObject();
    }

    private static void write(Candidate mapping, JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("start", Long.toHexString(mapping.start()));
        json.writeNumberProperty("size", mapping.length());
        json.writeNumberProperty("offset", mapping.offset());
        json.writeStringProperty("kind", mapping.kind());
        json.writeStringProperty("name", shortened(mapping.name()));
        json.writeBooleanProperty("writable", mapping.writable());
        json.writeNumberProperty("page_size", mapping.pageSize());
        json.writeNumberProperty("resident", mapping.resident());
        json.writeArrayPropertyStart("others");
        mapping.others().stream().limit(MOST_PROCESSES).forEach(json::writeNumber);
        json.writeEndArray();
        json.writeStringProperty("verdict", mapping.verdict().name().toLowerCase(Locale.ROOT));
        json.writeStringProperty("reason", mapping.reason());
        json.writeEndObject();
    }

    private static void write(AdoptedBuffer buffer, JsonGenerator json) {
        json.writeStartObject();
        json.writeNumberProperty("index", buffer.index());
        json.writeNumberProperty("offset", buffer.offset());
        json.writeNumberProperty("size", buffer.length());
        json.writeNumberProperty("page_size", buffer.pageSize());
        json.writeBooleanProperty("read_only", buffer.readOnly());
        json.writeStringProperty("name", shortened(buffer.name()));
        json.writeEndObject();
    }

    private static String shortened(String name) {
        return name.length() <= LONGEST_NAME ? name : name.substring(0, LONGEST_NAME) + "...";
    }

    /**
     * {@return what a JSON object says}
     *
     * @throws RuntimeException when it is none
     */
    static AdoptionAnswer parse(String text) {
        int pid = 0;
        String program = "?";
        int mappings = 0;
        int count = 0;
        long bytes = 0;
        long known = 0;
        List<Candidate> candidates = new ArrayList<>();
        List<AdoptedBuffer> buffers = new ArrayList<>();
        List<String> complaints = new ArrayList<>();
        try (JsonParser json = Json.parser(text)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new IllegalArgumentException("not a JSON object: " + text);
            }
            while (json.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = json.currentName();
                json.nextToken();
                switch (name) {
                    case "pid" -> pid = json.getIntValue();
                    case "program" -> program = json.getString();
                    case "mapping_count" -> mappings = json.getIntValue();
                    case "buffer_count" -> count = json.getIntValue();
                    case "buffer_bytes" -> bytes = json.getLongValue();
                    case "known_bytes" -> known = json.getLongValue();
                    case "mappings" -> {
                        while (json.nextToken() == JsonToken.START_OBJECT) {
                            candidates.add(readMapping(json));
                        }
                    }
                    case "buffers" -> {
                        while (json.nextToken() == JsonToken.START_OBJECT) {
                            buffers.add(readBuffer(json));
                        }
                    }
                    case "complaints" -> {
                        while (json.nextToken() == JsonToken.VALUE_STRING) {
                            complaints.add(json.getString());
                        }
                    }
                    default -> json.skipChildren();
                }
            }
        }
        return new AdoptionAnswer(
                new AdoptionReport(pid, program, candidates, buffers, known, complaints),
                mappings,
                count,
                bytes);
    }

    private static Candidate readMapping(JsonParser json) {
        long start = 0;
        long size = 0;
        long offset = 0;
        String kind = "?";
        String name = "";
        boolean writable = false;
        long pageSize = 0;
        long resident = 0;
        List<Integer> others = new ArrayList<>();
        Verdict verdict = Verdict.REFUSE;
        String reason = "";
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
            String property = json.currentName();
            json.nextToken();
            switch (property) {
                case "start" -> start = Long.parseUnsignedLong(json.getString(), 16);
                case "size" -> size = json.getLongValue();
                case "offset" -> offset = json.getLongValue();
                case "kind" -> kind = json.getString();
                case "name" -> name = json.getString();
                case "writable" -> writable = json.getBooleanValue();
                case "page_size" -> pageSize = json.getLongValue();
                case "resident" -> resident = json.getLongValue();
                case "others" -> {
                    while (json.nextToken() == JsonToken.VALUE_NUMBER_INT) {
                        others.add(json.getIntValue());
                    }
                }
                case "verdict" ->
                        verdict = Verdict.valueOf(json.getString().toUpperCase(Locale.ROOT));
                case "reason" -> reason = json.getString();
                default -> json.skipChildren();
            }
        }
        return new Candidate(
                start,
                size,
                offset,
                kind,
                name,
                new FileIdentity(0, 0, 0),
                writable,
                pageSize,
                resident,
                others,
                verdict,
                reason);
    }

    private static AdoptedBuffer readBuffer(JsonParser json) {
        int index = -1;
        long offset = 0;
        long size = 0;
        long pageSize = 0;
        boolean readOnly = false;
        String name = "";
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
            String property = json.currentName();
            json.nextToken();
            switch (property) {
                case "index" -> index = json.getIntValue();
                case "offset" -> offset = json.getLongValue();
                case "size" -> size = json.getLongValue();
                case "page_size" -> pageSize = json.getLongValue();
                case "read_only" -> readOnly = json.getBooleanValue();
                case "name" -> name = json.getString();
                default -> json.skipChildren();
            }
        }
        return new AdoptedBuffer(index, offset, size, pageSize, readOnly, name);
    }
}
