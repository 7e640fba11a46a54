package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Json;
import dev.ublk4j.kernel.KernelDriver;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * A device that a process of ublk4j serves, as its state file tells.
 *
 * @param id the device's number
 * @param server the process that serves it
 * @param target the kind of target
 * @param source the file or class behind the target, where there is one
 * @param queues how many queues
 * @param depth tags of each queue
 * @param maxIo bytes of the largest request
 * @param size bytes of the device
 * @param blockSize bytes of a logical block
 * @param readOnly whether writes are refused
 * @param since when it became live
 * @param log the server's log, where it has one
 * @param words the kind of target and its options, which make the same target again; empty where
 *     that is not known
 * @param composition what the target is made of, null where it is not made of others
 */
public record ServedDevice(
        int id,
        ProcessIdentity server,
        String target,
        @Nullable String source,
        int queues,
        int depth,
        int maxIo,
        long size,
        int blockSize,
        boolean readOnly,
        Instant since,
        @Nullable String log,
        List<String> words,
        @Nullable String composition) {
    /** Copies the words. */
    public ServedDevice {
        words = List.copyOf(words);
    }

    /** A device whose target is not made of others. */
    public ServedDevice(
            int id,
            ProcessIdentity server,
            String target,
            @Nullable String source,
            int queues,
            int depth,
            int maxIo,
            long size,
            int blockSize,
            boolean readOnly,
            Instant since,
            @Nullable String log,
            List<String> words) {
        this(
                id, server, target, source, queues, depth, maxIo, size, blockSize, readOnly, since,
                log, words, null);
    }

    /** {@return the same device in another size} */
    public ServedDevice withSize(long newSize) {
        return new ServedDevice(
                id,
                server,
                target,
                source,
                queues,
                depth,
                maxIo,
                newSize,
                blockSize,
                readOnly,
                since,
                log,
                words,
                composition);
    }

    /** {@return whether it is made of what a kind of target and its file or class name} */
    public boolean isOf(String kind, @Nullable String itsSource) {
        return target.equals(kind) && Objects.equals(source, itsSource);
    }

    /** {@return what it is made of, for messages} */
    public String origin() {
        return origin(target, source);
    }

    /** {@return what a device is made of, for messages} */
    public static String origin(String kind, @Nullable String source) {
        return source == null ? kind : kind + " " + source;
    }

    /** {@return the path of the block device} */
    public String path() {
        return KernelDriver.blockPath(id).toString();
    }

    /** {@return the target and what is behind it, for a person} */
    public String targetText() {
        return targetText(target, source, composition);
    }

    static String targetText(String target, @Nullable String source, @Nullable String composition) {
        return composition == null ? origin(target, source) : composition;
    }

    /** {@return what a person calls it} */
    public ServedName name() {
        return ServedName.device(id);
    }

    /** {@return all of it as a JSON object} */
    public String json() {
        return Json.text(this::write);
    }

    private void write(JsonGenerator json) {
        json.writeStartObject();
        json.writeNumberProperty("id", id);
        json.writeStringProperty("device", path());
        json.writeNumberProperty("pid", server.pid());
        json.writeNumberProperty("start_ticks", server.startTicks());
        json.writeStringProperty("target", target);
        if (source != null) {
            json.writeStringProperty("source", source);
        }
        json.writeNumberProperty("queues", queues);
        json.writeNumberProperty("depth", depth);
        json.writeNumberProperty("max_io", maxIo);
        json.writeNumberProperty("size", size);
        json.writeNumberProperty("block_size", blockSize);
        json.writeBooleanProperty("read_only", readOnly);
        json.writeStringProperty("since", since.toString());
        if (log != null) {
            json.writeStringProperty("log", log);
        }
        if (composition != null) {
            json.writeStringProperty("composition", composition);
        }
        json.writeArrayPropertyStart("words");
        words.forEach(json::writeString);
        json.writeEndArray();
        json.writeEndObject();
    }

    /**
     * {@return the device that a JSON object describes}
     *
     * @throws RuntimeException when it describes none
     */
    public static ServedDevice parse(String text) {
        try (JsonParser json = Json.parser(text)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new IllegalArgumentException("not a JSON object: " + text);
            }
            return read(json);
        }
    }

    private static ServedDevice read(JsonParser json) {
        int id = -1;
        long pid = -1;
        long startTicks = 0;
        String target = "?";
        String source = null;
        int queues = 0;
        int depth = 0;
        int maxIo = 0;
        long size = 0;
        int blockSize = 0;
        boolean readOnly = false;
        Instant since = Instant.EPOCH;
        String log = null;
        String composition = null;
        List<String> words = new ArrayList<>();
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = json.currentName();
            json.nextToken();
            switch (name) {
                case "id" -> id = json.getIntValue();
                case "pid" -> pid = json.getLongValue();
                case "start_ticks" -> startTicks = json.getLongValue();
                case "target" -> target = json.getString();
                case "source" -> source = json.getString();
                case "queues" -> queues = json.getIntValue();
                case "depth" -> depth = json.getIntValue();
                case "max_io" -> maxIo = json.getIntValue();
                case "size" -> size = json.getLongValue();
                case "block_size" -> blockSize = json.getIntValue();
                case "read_only" -> readOnly = json.getBooleanValue();
                case "since" -> since = Instant.parse(json.getString());
                case "log" -> log = json.getString();
                case "composition" -> composition = json.getString();
                case "words" -> {
                    while (json.nextToken() == JsonToken.VALUE_STRING) {
                        words.add(json.getString());
                    }
                }
                default -> json.skipChildren();
            }
        }
        if (id < 0 || pid < 0) {
            throw new IllegalArgumentException("no device");
        }
        return new ServedDevice(
                id,
                new ProcessIdentity(pid, startTicks),
                target,
                source,
                queues,
                depth,
                maxIo,
                size,
                blockSize,
                readOnly,
                since,
                log,
                words,
                composition);
    }
}
