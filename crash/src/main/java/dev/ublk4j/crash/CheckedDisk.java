package dev.ublk4j.crash;

import dev.ublk4j.server.Operation;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** An image as a check gets it, with what the check writes to it. */
final class CheckedDisk implements CrashedDisk {
    private static final int SECTOR = DiskModel.SECTOR;

    private final CrashImage image;
    private final long size;
    private final List<Object> marks;
    private final Map<Integer, byte[]> written = new HashMap<>();
    private boolean over;

    CheckedDisk(CrashImage image, long size) {
        this.image = image;
        this.size = size;
        this.marks = List.copyOf(image.marksSoFar());
    }

    /** Has every later call throw: the image is about to become another. */
    synchronized void end() {
        over = true;
    }

    @Override
    public List<Object> marks() {
        return marks;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public int blockSize() {
        return SECTOR;
    }

    @Override
    public synchronized byte[] read(long position, int length) {
        check(Operation.READ, position, length);
        byte[] bytes = new byte[length];
        for (int at = 0; at < length; at += SECTOR) {
            int sector = (int) ((position + at) / SECTOR);
            byte[] own = written.get(sector);
            if (own != null) {
                System.arraycopy(own, 0, bytes, at, SECTOR);
            } else {
                image.read(sector, bytes, at);
            }
        }
        return bytes;
    }

    @Override
    public synchronized void write(long position, byte[] data) {
        check(Operation.WRITE, position, data.length);
        for (int at = 0; at < data.length; at += SECTOR) {
            byte[] own = new byte[SECTOR];
            System.arraycopy(data, at, own, 0, SECTOR);
            written.put((int) ((position + at) / SECTOR), own);
        }
    }

    @Override
    public void writeThrough(long position, byte[] data) {
        write(position, data);
    }

    @Override
    public synchronized void flush() {
        check(Operation.FLUSH, 0, 0);
    }

    @Override
    public synchronized void discard(long position, long length) {
        zero(Operation.DISCARD, position, length);
    }

    @Override
    public synchronized void writeZeroes(long position, long length) {
        zero(Operation.WRITE_ZEROES, position, length);
    }

    private void zero(Operation what, long position, long length) {
        check(what, position, length);
        byte[] zeroes = new byte[SECTOR];
        for (long at = position; at < position + length; at += SECTOR) {
            written.put((int) (at / SECTOR), zeroes);
        }
    }

    private void check(Operation what, long position, long length) {
        if (over) {
            throw new IllegalStateException("the check of this disk is over");
        }
        boolean _ = DiskRange.isSome(what, position, length, size);
    }
}
