package dev.ublk4j.sharing.store;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
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

    /** Of a list that was begun when the device may have had buffers already. */
    private static final String HEADER_OF_SOME = HEADER + " and others";

    private final Path path;
    private final Map<String, BufferRecord> records = new LinkedHashMap<>();

    /** Whether the driver has no buffer of the device that was never here. */
    private final boolean whole;

    private BufferLedger(Path path, boolean whole) {
        this.path = path;
        this.whole = whole;
    }

    /**
     * Begins the ledger of a new device, which has no buffers.
     *
     * @param path where nothing is, or the ledger of an earlier device, which is replaced
     * @throws IOException when it cannot be written, or something else is there, which stays
     */
    public static BufferLedger begin(Path path) throws IOException {
        if (Files.exists(path, NOFOLLOW_LINKS) && !isLedger(path)) {
            throw new FileSystemException(
                    path.toString(), null, "is not a list of buffers; it is left alone");
        }
        BufferLedger ledger = new BufferLedger(path, true);
        ledger.write();
        return ledger;
    }

    /**
     * Deletes what a ledger has left; does nothing where there is none, or something else.
     *
     * @throws IOException when it cannot be read or deleted
     */
    public static void deleteAbandoned(Path path) throws IOException {
        if (isLedger(path)) {
            Files.deleteIfExists(path);
        }
    }

    private static boolean isLedger(Path path) throws IOException {
        if (!Files.isRegularFile(path, NOFOLLOW_LINKS)) {
            return false;
        }
        byte[] header = HEADER.getBytes(StandardCharsets.UTF_8);
        try (InputStream in = Files.newInputStream(path, NOFOLLOW_LINKS)) {
            return Arrays.equals(in.readNBytes(header.length), header);
        }
    }

    /**
     * Opens the ledger that a former server has left. Where it is gone, another is begun, which
     * knows that it does not know all buffers.
     *
     * @throws IOException when it cannot be read, or makes no sense
     */
    public static BufferLedger open(Path path) throws IOException {
        List<String> lines =
                Files.exists(path) ? Files.readAllLines(path) : List.of(HEADER_OF_SOME);
        String header = lines.isEmpty() ? "" : lines.getFirst();
        BufferLedger ledger = new BufferLedger(path, header.equals(HEADER));
        if (!ledger.whole && !header.equals(HEADER_OF_SOME)) {
            throw new IOException(path + " is not a list of buffers of this version");
        }
        try {
            lines.stream().skip(1).map(BufferRecord::parse).forEach(ledger::enter);
        } catch (IllegalArgumentException e) {
            throw new IOException(path + " is damaged: " + e.getMessage(), e);
        }
        return ledger;
    }

    private void enter(BufferRecord buffer) {
        records.put(buffer.key(), buffer);
    }

    /** {@return whether these are all buffers that the driver has of the device} */
    boolean isWhole() {
        return whole;
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
        List<String> lines = new ArrayList<>(List.of(whole ? HEADER : HEADER_OF_SOME));
        records.values().forEach(buffer -> lines.add(buffer.line()));
        Path folder = path.toAbsolutePath().getParent();
        Path draft = Files.createTempFile(folder, path.getFileName() + "-", ".new");
        try {
            Files.write(draft, lines);
            Files.move(draft, path, ATOMIC_MOVE, REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(draft);
        }
    }

    /** Deletes the file. */
    void delete() throws IOException {
        records.clear();
        deleteAbandoned(path);
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
