package dev.ublk4j.testkit;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** What a disk must answer, as far as that is known, sector by sector. */
final class DiskModel {
    private static final int SECTOR = 512;

    private enum Content {
        /** What the disk began with: it is learnt from the first read. */
        UNREAD,
        /** As it is here. */
        KNOWN,
        /** Anything, and not even the same twice: discarded, or a write of it failed. */
        ANY
    }

    private final byte[] bytes;
    private final Content[] contents;

    DiskModel(long size) {
        bytes = new byte[Math.toIntExact(size)];
        contents = new Content[bytes.length / SECTOR];
        Arrays.fill(contents, Content.UNREAD);
    }

    /** Takes over what has been written. */
    void written(long position, byte[] data) {
        System.arraycopy(data, 0, bytes, (int) position, data.length);
        mark(position, data.length, Content.KNOWN);
    }

    /** Takes over zeroes. */
    void zeroed(long position, int length) {
        Arrays.fill(bytes, (int) position, (int) position + length, (byte) 0);
        mark(position, length, Content.KNOWN);
    }

    /** Forgets a range. */
    void forgotten(long position, int length) {
        mark(position, length, Content.ANY);
    }

    private void mark(long position, int length, Content content) {
        int first = (int) (position / SECTOR);
        Arrays.fill(contents, first, first + length / SECTOR, content);
    }

    /**
     * Compares what has been read, and learns what is new.
     *
     * @throws AssertionError with the first byte that differs
     */
    void check(long position, byte[] read) {
        for (int offset = 0; offset < read.length; offset += SECTOR) {
            int at = (int) position + offset;
            switch (contents[at / SECTOR]) {
                case UNREAD -> {
                    System.arraycopy(read, offset, bytes, at, SECTOR);
                    contents[at / SECTOR] = Content.KNOWN;
                }
                case KNOWN -> compare(at, read, offset);
                case ANY -> {}
            }
        }
    }

    private void compare(int at, byte[] read, int offset) {
        int wrong = Arrays.mismatch(bytes, at, at + SECTOR, read, offset, offset + SECTOR);
        if (wrong >= 0) {
            throw new AssertionError(
                    "byte %d of the disk reads as %d and should be %d; its sector begins with %s"
                            .formatted(
                                    at + wrong,
                                    read[offset + wrong],
                                    bytes[at + wrong],
                                    Arrays.toString(Arrays.copyOfRange(read, offset, offset + 8))));
        }
    }

    /** {@return data made of a seed} */
    static byte[] data(long seed, int length) {
        byte[] data = new byte[length];
        new java.util.SplittableRandom(seed).nextBytes(data);
        return data;
    }

    /** Copies the pieces of a request's data together. */
    static byte[] gather(Iterable<MemorySegment> pieces, int length) {
        byte[] data = new byte[length];
        int at = 0;
        for (MemorySegment piece : pieces) {
            MemorySegment.copy(
                    piece, ValueLayout.JAVA_BYTE, 0, data, at, Math.toIntExact(piece.byteSize()));
            at += (int) piece.byteSize();
        }
        return data;
    }
}
