package com.example;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * Keys and values on a raw device. {@code put} appends a record to a log and returns when it is
 * durable. A full log is emptied by a checkpoint: all keys and values go to one of two tables, and
 * the log begins anew, for the next generation.
 *
 * <pre>
 * block 0          table of even generations
 * block 1          table of odd generations
 * block 2 to 5     the log: one record each
 * </pre>
 *
 * A block is {@code checksum, generation, sequence, length, text}. A record counts when its checksum
 * is right and it is of the generation of the newest table.
 */
public class TinyStore {
    static final int BLOCK = 4096;
    static final int LOG = 2;
    static final int LOG_BLOCKS = 4;

    private static final int HEADER = 4 * Long.BYTES;

    private final BlockDevice disk;
    private final Map<String, String> entries = new TreeMap<>();
    private long generation;
    private int logged;

    /** Opens what is on a device; one of zeroes is an empty store. */
    public TinyStore(BlockDevice disk) {
        this.disk = disk;
        for (int table = 0; table < 2; table++) {
            ByteBuffer block = ByteBuffer.wrap(disk.read((long) table * BLOCK, BLOCK));
            if (isWhole(block) && block.getLong(8) > generation) {
                generation = block.getLong(8);
                entries.clear();
                text(block).lines().forEach(this::apply);
            }
        }
        while (logged < LOG_BLOCKS) {
            ByteBuffer block = ByteBuffer.wrap(disk.read((long) (LOG + logged) * BLOCK, BLOCK));
            if (!isWhole(block) || block.getLong(8) != generation || block.getLong(16) != logged) {
                break;
            }
            apply(text(block));
            logged++;
        }
    }

    public String get(String key) {
        return entries.get(key);
    }

    /** Sets a key, which survives a power cut when this has returned. */
    public void put(String key, String value) {
        if (logged == LOG_BLOCKS) {
            checkpoint();
        }
        write(LOG + logged, generation, logged, key + "=" + value);
        endRecord();
        logged++;
        entries.put(key, value);
    }

    private void checkpoint() {
        StringBuilder all = new StringBuilder();
        entries.forEach((key, value) -> all.append(key).append('=').append(value).append('\n'));
        write((int) ((generation + 1) % 2), generation + 1, 0, all.toString());
        endCheckpoint();
        generation++;
        logged = 0;
    }

    /** The record has been written. */
    void endRecord() {
        disk.flush();
    }

    /** The table has been written; the log is about to be. */
    void endCheckpoint() {
        disk.flush();
    }

    /** Whether a block was written as a whole. */
    boolean isWhole(ByteBuffer block) {
        return block.getLong(0) == checksum(block);
    }

    private void write(int place, long generation, long sequence, String text) {
        ByteBuffer block = ByteBuffer.allocate(BLOCK);
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        block.putLong(8, generation).putLong(16, sequence).putLong(24, bytes.length);
        block.put(HEADER, bytes);
        block.putLong(0, checksum(block));
        disk.write((long) place * BLOCK, block.array());
    }

    private static String text(ByteBuffer block) {
        int length = (int) Math.clamp(block.getLong(24), 0, BLOCK - HEADER);
        return new String(block.array(), HEADER, length, StandardCharsets.UTF_8);
    }

    private static long checksum(ByteBuffer block) {
        CRC32C crc = new CRC32C();
        crc.update(block.array(), 8, BLOCK - 8);
        // A block of zeroes is not whole.
        return crc.getValue() + 1;
    }

    private void apply(String line) {
        String[] entry = line.split("=", 2);
        entries.put(entry[0], entry.length == 2 ? entry[1] : "");
    }
}
