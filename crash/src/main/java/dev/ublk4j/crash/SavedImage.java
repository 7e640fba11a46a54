package dev.ublk4j.crash;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What has become of the image of a failure.
 *
 * @param file where it was saved, null where it could not be
 * @param reason why it could not be, null where it was
 * @param folder where it was to be, null where there was none
 */
record SavedImage(@Nullable Path file, @Nullable Throwable reason, @Nullable Path folder) {
    /** The system property that names the folder of images. */
    static final String FOLDER_PROPERTY = "ublk4j.crash.images";

    private static final int BLOCK = DiskModel.SECTOR;
    private static final int SAVED_AT_ONCE = 64 * 1024;

    /** What an image shows. */
    interface Content {
        /** Puts a sector where it is wanted. */
        void read(int sector, byte[] into, int at);
    }

    /**
     * Saves an image: the whole of it, or no file. The failure that it belongs to counts with or
     * without it, whatever prevents that.
     */
    static SavedImage save(Content content, long size, long fingerprint) {
        Path folder = null;
        boolean isOwn = false;
        try {
            String named = System.getProperty(FOLDER_PROPERTY);
            isOwn = named == null;
            folder = named == null ? Files.createTempDirectory("ublk4j-crash") : Path.of(named);
            if (!isOwn) {
                Files.createDirectories(folder);
            }
            Path file = folder.resolve("crash-%016x.img".formatted(fingerprint));
            save(content, size, file);
            return new SavedImage(file, null, folder);
        } catch (Exception | Error e) {
            if (isOwn && folder != null) {
                delete(folder, e);
            }
            return new SavedImage(null, e, folder);
        }
    }

    /** A part of an image would be taken for one, so it has another name until it is whole. */
    private static void save(Content content, long size, Path file) throws IOException {
        Path part =
                file.resolveSibling("%s.%s.part".formatted(file.getFileName(), UUID.randomUUID()));
        try (FileChannel channel =
                FileChannel.open(
                        part,
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.SPARSE)) {
            write(content, size, channel);
        } catch (Throwable e) {
            delete(part, e);
            throw e;
        }
        try {
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (Throwable e) {
            delete(part, e);
            throw e;
        }
    }

    private static void delete(Path made, Throwable because) {
        try {
            Files.deleteIfExists(made);
        } catch (Exception | Error e) {
            because.addSuppressed(e);
        }
    }

    private static void write(Content content, long size, FileChannel channel) throws IOException {
        byte[] bytes = new byte[SAVED_AT_ONCE];
        byte[] zeroes = new byte[SAVED_AT_ONCE];
        for (long at = 0; at < size; at += SAVED_AT_ONCE) {
            int length = (int) Math.min(SAVED_AT_ONCE, size - at);
            for (int i = 0; i < length; i += BLOCK) {
                content.read((int) ((at + i) / BLOCK), bytes, i);
            }
            boolean isLast = at + length == size;
            if (isLast || !Arrays.equals(bytes, 0, length, zeroes, 0, length)) {
                ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, length);
                while (buffer.hasRemaining()) {
                    int _ = channel.write(buffer, at + buffer.position());
                }
            }
        }
    }

    @Override
    public String toString() {
        if (reason == null) {
            return "the image is " + file;
        }
        return "the image could not be saved%s: %s"
                .formatted(folder == null ? "" : " in " + folder, Told.inALine(reason));
    }
}
