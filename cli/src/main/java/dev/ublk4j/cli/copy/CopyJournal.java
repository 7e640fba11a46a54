package dev.ublk4j.cli.copy;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.output.Json;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * How far a copy is, in a file: everything before {@link State#done} is on the destination, and
 * durable there. The file is replaced as a whole, so it is there in one state or the next.
 */
public final class CopyJournal {
    private static final int LONGEST = 1 << 20;

    private final Path file;

    /** Names the file, which need not be there. */
    public CopyJournal(Path file) {
        this.file = file.toAbsolutePath().normalize();
    }

    /**
     * What is known of a copy.
     *
     * @param source what is copied, as a person writes it
     * @param destination where to
     * @param size bytes of the source
     * @param blank whether the destination held nothing when the copy began
     * @param done bytes that are copied, from the start
     */
    public record State(String source, String destination, long size, boolean blank, long done) {
        State withDone(long bytes) {
            return new State(source, destination, size, blank, bytes);
        }

        private boolean isOfSame(State other) {
            return source.equals(other.source)
                    && destination.equals(other.destination)
                    && size == other.size;
        }
    }

    /**
     * {@return how far a copy was}
     *
     * @param wanted the copy that goes on
     * @throws Failure when the file is not there, or is of another copy
     */
    State resume(State wanted) {
        State found = readOrNull();
        if (found == null) {
            throw new Failure("there is nothing to resume: " + file + " is not there");
        }
        if (!found.isOfSame(wanted)) {
            throw new Failure(
                    "%s is of a copy of %s (%d bytes) to %s, and not of %s (%d bytes) to %s"
                            .formatted(
                                    file,
                                    found.source,
                                    found.size,
                                    found.destination,
                                    wanted.source,
                                    wanted.size,
                                    wanted.destination));
        }
        return found;
    }

    /**
     * Sees to it that no copy is forgotten that could go on.
     *
     * @throws Failure when there is a journal
     */
    void requireNone() {
        if (Files.exists(file)) {
            throw new Failure(
                    "%s is there, of a copy that has not ended; --resume goes on with it, or delete it"
                            .formatted(file));
        }
    }

    private @Nullable State readOrNull() {
        try {
            if (!Files.exists(file)) {
                return null;
            }
            // A pipe would be waited for, and a device has no end.
            if (!Files.isRegularFile(file) || Files.size(file) > LONGEST) {
                throw new Failure(file + " is no journal of a copy");
            }
            return parse(Files.readString(file));
        } catch (IOException | RuntimeException e) {
            if (e instanceof Failure failure) {
                throw failure;
            }
            throw new Failure("%s is no journal of a copy that can be read".formatted(file), e);
        }
    }

    private static State parse(String text) {
        String source = "";
        String destination = "";
        long size = -1;
        boolean blank = false;
        long done = -1;
        try (JsonParser json = Json.parser(text)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new IllegalArgumentException("no JSON object");
            }
            while (json.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = json.currentName();
                json.nextToken();
                switch (name) {
                    case "source" -> source = json.getString();
                    case "destination" -> destination = json.getString();
                    case "size" -> size = json.getLongValue();
                    case "blank" -> blank = json.getBooleanValue();
                    case "done" -> done = json.getLongValue();
                    default -> json.skipChildren();
                }
            }
        }
        if (size < 0 || done < 0 || done > size) {
            throw new IllegalArgumentException("no copy");
        }
        return new State(source, destination, size, blank, done);
    }

    /** Leaves word of a state, durably. */
    void write(State state) throws IOException {
        String text =
                Json.text(json -> {
                    json.writeStartObject();
                    json.writeStringProperty("source", state.source());
                    json.writeStringProperty("destination", state.destination());
                    json.writeNumberProperty("size", state.size());
                    json.writeBooleanProperty("blank", state.blank());
                    json.writeNumberProperty("done", state.done());
                    json.writeEndObject();
                });
        // A name that no target has: what is there by this name is written over.
        Path next = file.resolveSibling("." + file.getFileName() + ".ublk4j-copy");
        try {
            Files.write(next, (text + "\n").getBytes(StandardCharsets.UTF_8));
            try (FileChannel channel = FileChannel.open(next, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            Failure failure =
                    new Failure(
                            "cannot write the journal %s: %s".formatted(file, Explanation.of(e)),
                            e);
            try {
                Files.deleteIfExists(next);
            } catch (IOException alsoFailed) {
                failure.addSuppressed(alsoFailed);
            }
            throw failure;
        }
    }

    /** Deletes it: the copy has ended. */
    void delete() throws IOException {
        Files.deleteIfExists(file);
    }
}
