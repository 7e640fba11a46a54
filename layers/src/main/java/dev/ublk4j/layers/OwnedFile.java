package dev.ublk4j.layers;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * A file that one layer at a time has: locked, and made when it is not there. One that was made and
 * not {@linkplain #keep kept} is deleted when it is closed, and no other is.
 */
final class OwnedFile implements AutoCloseable {
    /** The bytes of {@link #bootId}. */
    static final int BOOT_BYTES = 36;

    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    private final Path path;
    private final FileChannel channel;
    private final boolean isNew;
    private boolean kept;

    private OwnedFile(Path path, FileChannel channel, boolean isNew) {
        this.path = path;
        this.channel = channel;
        this.isNew = isNew;
    }

    /**
     * Opens a file.
     *
     * @param what it is, for messages
     * @throws IOException when it cannot be opened, or another has it
     */
    static OwnedFile open(Path path, String what) throws IOException {
        OwnedFile file;
        try {
            file = new OwnedFile(path, open(path, StandardOpenOption.CREATE_NEW), true);
        } catch (FileAlreadyExistsException _) {
            file = new OwnedFile(path, open(path, StandardOpenOption.READ), false);
        }
        try {
            if (file.isLocked()) {
                return file;
            }
        } catch (Throwable e) {
            file.channel.close();
            throw e;
        }
        // Whoever has locked it meanwhile has it, even if it was made here.
        file.channel.close();
        throw new IOException("%s is %s that is served".formatted(path, what));
    }

    private static FileChannel open(Path path, StandardOpenOption how) throws IOException {
        return FileChannel.open(path, how, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    private boolean isLocked() throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException _) {
            return false; // by this process
        }
    }

    /** {@return what tells this run of the kernel from all others, zeroes where nothing does} */
    static byte[] bootId() {
        try {
            return Arrays.copyOf(Files.readAllBytes(BOOT_ID), BOOT_BYTES);
        } catch (IOException e) {
            return new byte[BOOT_BYTES];
        }
    }

    /**
     * {@return whether a file is empty, or was left while it was made: its header comes last}
     *
     * @param headerBytes how long its header is
     * @param most bytes that it has when it is whole
     */
    static boolean isUnbegun(FileChannel file, int headerBytes, long most) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(headerBytes);
        boolean _ = readAll(file, header, 0);
        return file.size() <= most && ByteBuffer.allocate(header.position()).equals(header.flip());
    }

    /** Fills a buffer from a place on; false where the file ends before. */
    static boolean readAll(FileChannel file, ByteBuffer into, long at) throws IOException {
        long position = at;
        while (into.hasRemaining()) {
            int count = file.read(into, position);
            if (count < 0) {
                return false;
            }
            position += count;
        }
        return true;
    }

    /** Writes the whole of a buffer to a place. */
    static void writeAll(FileChannel file, ByteBuffer from, long at) throws IOException {
        long position = at;
        while (from.hasRemaining()) {
            position += file.write(from, position);
        }
    }

    FileChannel channel() {
        return channel;
    }

    /** {@return whether it was made by opening it} */
    boolean isNew() {
        return isNew;
    }

    /** Has it stay. */
    void keep() {
        kept = true;
    }

    @Override
    public void close() throws IOException {
        try (FileChannel open = channel) {
            if (open.isOpen() && isNew && !kept) {
                Files.deleteIfExists(path);
            }
        }
    }
}
