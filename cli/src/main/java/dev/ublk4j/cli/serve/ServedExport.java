package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Json;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * An export that a process of ublk4j serves, as its state file tells.
 *
 * @param number its number among the exports
 * @param server the process that serves it
 * @param protocol what its clients speak
 * @param address where they find it
 * @param target the kind of target
 * @param source the file or class behind the target, where there is one
 * @param composition what the target is made of, null where it is not made of others
 * @param queues how many queues
 * @param depth tags of each queue
 * @param size bytes
 * @param blockSize bytes of a logical block
 * @param readOnly whether writes are refused
 * @param since when clients were let in
 */
public record ServedExport(
        int number,
        ProcessIdentity server,
        String protocol,
        String address,
        String target,
        @Nullable String source,
        @Nullable String composition,
        int queues,
        int depth,
        long size,
        int blockSize,
        boolean readOnly,
        Instant since) {
    /** {@return what a person calls it} */
    public ServedName name() {
        return ServedName.export(number);
    }

    /** {@return the target and what is behind it, for a person} */
    public String targetText() {
        return ServedDevice.targetText(target, source, composition);
    }

    /** {@return the same under another number} */
    ServedExport numbered(int newNumber) {
        return with(newNumber, size);
    }

    /** {@return the same export in another size} */
    ServedExport withSize(long newSize) {
        return with(number, newSize);
    }

    private ServedExport with(int newNumber, long newSize) {
        return new ServedExport(
                newNumber,
                server,
                protocol,
                address,
                target,
                source,
                composition,
                queues,
                depth,
                newSize,
                blockSize,
                readOnly,
                since);
    }

    /** {@return all of it as a JSON object} */
    public String json() {
        return Json.text(json -> {
            json.writeStartObject();
            writeProperties(json);
            json.writeNumberProperty("start_ticks", server.startTicks());
            json.writeEndObject();
        });
    }

    /** Writes what users may know as a JSON object. */
    public void write(JsonGenerator json) {
        json.writeStartObject();
        writeProperties(json);
        json.writeEndObject();
    }

    /** Writes what users may know as properties of a JSON object that has begun. */
    public void writeProperties(JsonGenerator json) {
        name().write(json);
        json.writeStringProperty("protocol", protocol);
        json.writeStringProperty("address", address);
        json.writeNumberProperty("pid", server.pid());
        json.writeNumberProperty("queues", queues);
        json.writeNumberProperty("depth", depth);
        json.writeNumberProperty("size", size);
        json.writeNumberProperty("block_size", blockSize);
        json.writeBooleanProperty("read_only", readOnly);
        json.writeStringProperty("target", target);
        if (source != null) {
            json.writeStringProperty("source", source);
        }
        if (composition != null) {
            json.writeStringProperty("composition", composition);
        }
        json.writeStringProperty("since", since.toString());
    }

    /**
     * {@return the export that a JSON object describes}
     *
     * @throws RuntimeException when it describes none
     */
    public static ServedExport parse(String text) {
        try (JsonParser json = Json.parser(text)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new IllegalArgumentException("not a JSON object: " + text);
            }
            return read(json);
        }
    }

    private static ServedExport read(JsonParser json) {
        int number = -1;
        long pid = -1;
        long startTicks = 0;
        String protocol = "?";
        String address = "?";
        String target = "?";
        String source = null;
        String composition = null;
        int queues = 0;
        int depth = 0;
        long size = 0;
        int blockSize = 0;
        boolean readOnly = false;
        Instant since = Instant.EPOCH;
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = json.currentName();
            json.nextToken();
            switch (name) {
                case "export" -> number = ServedName.parse(json.getString()).number();
                case "pid" -> pid = json.getLongValue();
                case "start_ticks" -> startTicks = json.getLongValue();
                case "protocol" -> protocol = json.getString();
                case "address" -> address = json.getString();
                case "target" -> target = json.getString();
                case "source" -> source = json.getString();
                case "composition" -> composition = json.getString();
                case "queues" -> queues = json.getIntValue();
                case "depth" -> depth = json.getIntValue();
                case "size" -> size = json.getLongValue();
                case "block_size" -> blockSize = json.getIntValue();
                case "read_only" -> readOnly = json.getBooleanValue();
                case "since" -> since = Instant.parse(json.getString());
                default -> json.skipChildren();
            }
        }
        if (number < 0 || pid < 0) {
            throw new IllegalArgumentException("no export");
        }
        return new ServedExport(
                number,
                new ProcessIdentity(pid, startTicks),
                protocol,
                address,
                target,
                source,
                composition,
                queues,
                depth,
                size,
                blockSize,
                readOnly,
                since);
    }
}
