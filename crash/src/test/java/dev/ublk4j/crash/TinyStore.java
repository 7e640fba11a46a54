package dev.ublk4j.crash;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * A store of one number, which survives power cuts: two slots that are written in turn, each with a
 * sequence number and a checksum, and data in a place of its own that the slot points to.
 */
final class TinyStore {
    /** What is wrong with the store. */
    enum Bug {
        NONE,
        /** Returns from put before the data is durable. */
        NO_FLUSH,
        /** The slot may be there before the data that it points to. */
        WRONG_ORDER,
        /** A torn slot is taken for a whole one. */
        NO_CHECKSUM
    }

    private static final int BLOCK = 4096;
    private static final int WORDS = BLOCK / Long.BYTES;
    private static final int DATA = 64 * 1024;

    private final LabDisk disk;
    private final Bug bug;
    private long sequence;
    private long value;

    TinyStore(LabDisk disk, Bug bug) {
        this.disk = disk;
        this.bug = bug;
        for (int slot = 0; slot < 2; slot++) {
            load(ByteBuffer.wrap(disk.read((long) slot * BLOCK, BLOCK)));
        }
    }

    private void load(ByteBuffer slot) {
        long found = slot.getLong(0);
        boolean isWhole = bug == Bug.NO_CHECKSUM || slot.getLong(BLOCK - 8) == checksum(slot);
        if (found > sequence && isWhole) {
            sequence = found;
            ByteBuffer data = ByteBuffer.wrap(disk.read(place(found), BLOCK));
            value = data.getLong(0);
            for (int word = 0; word < WORDS; word++) {
                if (data.getLong(word * Long.BYTES) != value) {
                    throw new IllegalStateException("the data of put " + found + " is torn");
                }
            }
            if (slot.getLong(BLOCK - 16) != value) {
                throw new IllegalStateException("slot and data of put " + found + " differ");
            }
        }
    }

    private static long checksum(ByteBuffer slot) {
        CRC32C crc = new CRC32C();
        crc.update(slot.array(), 0, BLOCK - 8);
        return crc.getValue();
    }

    private static long place(long sequence) {
        return DATA + sequence % 8 * BLOCK;
    }

    long value() {
        return value;
    }

    void put(long next) {
        sequence++;
        ByteBuffer data = ByteBuffer.allocate(BLOCK);
        for (int word = 0; word < WORDS; word++) {
            data.putLong(next);
        }
        disk.write(place(sequence), data.array());
        if (bug != Bug.WRONG_ORDER) {
            disk.flush();
        }
        ByteBuffer slot = ByteBuffer.allocate(BLOCK);
        slot.putLong(0, sequence);
        slot.putLong(BLOCK - 16, next);
        slot.putLong(BLOCK - 8, checksum(slot));
        disk.write(sequence % 2 * BLOCK, slot.array());
        if (bug != Bug.NO_FLUSH) {
            disk.flush();
        }
        value = next;
    }
}
