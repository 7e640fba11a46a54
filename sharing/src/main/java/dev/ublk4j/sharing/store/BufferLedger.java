package dev.ublk4j.sharing.store;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The file that says which buffers of a device there are. It is replaced as a whole by every
 * change, so that it is never half of one.
 *
 * <p>One thread at a time.
 */
public final class BufferLedger {
    private static final String HEADER = "ublk4j buffers 1";

    private final Path path;
    private final Map<String, BufferRecord> records = new LinkedHashMap<>();

    private BufferLedger(Path path) {
        this.path = path;
    }

    /**
     * Opens a ledger; where there is no file, it is empty.
     *
     * @throws IOException when it cannot be read, or makes no sense
     */
    public static BufferLedger open(Path path) throws IOException {
        BufferLedger ledger = new BufferLedger(path);
        if (Files.exists(path)) {
            List<String> lines = Files.readAllLines(path);
            if (lines.isEmpty() || !lines.getFirst().equals(HEADER)) {
                throw new IOException(path + " is no list of buffers of this version");
            }
            try {
                lines.stream().skip(1).map(BufferRecord::parse).forEach(ledger::enter);
            } catch (IllegalArgumentException e) {
                throw new IOException(path + " is damaged: " + e.getMessage(), e);
            }
        }
        return ledger;
    }

    private void enter(BufferRecord buffer) {
        records.put(buffer.key(), buffer);
    }

    /** {@return the buffers} */
    List<BufferRecord> records() {
        return List.copyOf(records.values());
    }

    /** Notes a buffer, in place of what is noted under its key. */
    void put(BufferRecord buffer) throws IOException {
        enter(buffer);
        write();
    }

    /** Strikes a buffer out. */
    void remove(String key) throws IOException {
        if (records.remove(key) != null) {
            write();
        }
    }

    private void write() throws IOException {
        List<String> lines = new ArrayList<>(List.of(HEADER));
        records.values().forEach(buffer -> lines.add(buffer.line()));
        Path draft = path.resolveSibling(path.getFileName() + ".new");
        Files.write(draft, lines);
        Files.move(draft, path, ATOMIC_MOVE, REPLACE_EXISTING);
    }

    /** Deletes the file. */
    void delete() throws IOException {
        records.clear();
        Files.deleteIfExists(path);
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
