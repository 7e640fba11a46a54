package dev.ublk4j.targets;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.server.IntegrityFormat;
import dev.ublk4j.uapi.wire.ParamIntegrityLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * A file that holds the integrity metadata of a device: the metadata from the beginning on, and
 * behind it, in the last page, what it is of.
 *
 * <p>It is made when it is not there, or is there without any data, unless a device had it before.
 * One that is of another size of data or another format is refused, and so is a file of another
 * kind: none is written over.
 *
 * <pre>{@code
 * last page, little-endian:
 *     0  8 bytes  "ublk4jPI"
 *     8  int      version, 1
 *    12  int      CRC-32C of the page without this field
 *    16  long     bytes of data
 *    24  int      bytes of metadata for each interval
 *    28  int      bytes of an interval
 *    32  int      the checksum, LBMD_PI_CSUM_... of linux/fs.h
 *    36  int      1 with reference tags, or 0
 *    40  int      offset of the protection information
 * }</pre>
 */
public final class MetadataFile {
    private static final int PAGE = 4096;
    private static final byte[] MAGIC = {'u', 'b', 'l', 'k', '4', 'j', 'P', 'I'};
    private static final int VERSION = 1;
    private static final int SUM_AT = 12;
    private static final int SIZE_AT = 16;
    private static final int END = 44;

    private final BackingFile file;
    private final boolean isNew;

    private MetadataFile(BackingFile file, boolean isNew) {
        this.file = file;
        this.isNew = isNew;
    }

    /**
     * Opens the metadata of a device, which is locked against other servers.
     *
     * @param dataSize bytes of the device's data
     * @param readOnly whether the device is
     * @throws UnfitFileException when the file is something else, of another size of data or
     *     another format, or in use by another server
     * @throws IOException when it cannot be read or made
     */
    public static MetadataFile open(
            Path path, long dataSize, IntegrityFormat format, boolean readOnly) throws IOException {
        boolean exists = requireKind(path);
        if (exists && !isWithoutData(path)) {
            check(path, dataSize, format);
        } else if (readOnly) {
            throw new UnfitFileException(
                    path, "has no metadata, and the device is read-only: there is none to be made");
        } else {
            make(path, dataSize, format, exists);
        }
        return open(path, dataSize, format, readOnly, !exists);
    }

    /**
     * Opens the metadata that a device had before, as one that is recovered; the parameters are
     * those of {@link #open(Path, long, IntegrityFormat, boolean)}.
     *
     * @throws UnfitFileException as there, and when there is no metadata: none is made
     * @throws IOException when it cannot be read
     */
    public static MetadataFile openAgain(
            Path path, long dataSize, IntegrityFormat format, boolean readOnly) throws IOException {
        if (!requireKind(path) || isWithoutData(path)) {
            throw new UnfitFileException(
                    path, "has no metadata, and the device had some; another would not be of it");
        }
        check(path, dataSize, format);
        return open(path, dataSize, format, readOnly, false);
    }

    private static MetadataFile open(
            Path path, long dataSize, IntegrityFormat format, boolean readOnly, boolean isNew) {
        // What was made stays when this fails: another server may have it by now.
        FileOptions options =
                FileOptions.of(BackingFile.Caching.BUFFERED)
                        .withReadOnly(readOnly)
                        .withPart(0, room(format.metadataOf(dataSize)));
        return new MetadataFile(BackingFile.open(path, options), isNew);
    }

    /**
     * {@return whether a file is one that holds metadata of blocks that have been written} Where
     * the file system does not tell holes, any metadata counts.
     *
     * @throws IOException when it cannot be read
     */
    public static boolean isInUseFor(Path path) throws IOException {
        if (!Files.isRegularFile(path)) {
            return false;
        }
        ByteBuffer page = ByteBuffer.allocate(PAGE).order(ByteOrder.LITTLE_ENDIAN);
        long at = readPage(path, page);
        if (!isPage(page)) {
            return false;
        }
        try (Fd fd = Fd.open(path, Fd.O_RDONLY)) {
            long data = fd.seek(0, Fd.SEEK_DATA);
            return data < at;
        }
    }

    /**
     * A pipe would be waited for, and a device may act upon being opened.
     *
     * @return whether there is a file
     */
    private static boolean requireKind(Path path) {
        boolean exists = Files.exists(path);
        if (exists && !Files.isRegularFile(path)) {
            throw new UnfitFileException(path, "is no regular file, in which metadata is kept");
        }
        if (!exists && Files.isSymbolicLink(path)) {
            throw new UnfitFileException(path, "is a symbolic link to what is not there");
        }
        return exists;
    }

    private static boolean isWithoutData(Path path) {
        try (Fd fd = Fd.open(path, Fd.O_RDONLY)) {
            return fd.seek(0, Fd.SEEK_DATA) == Errno.ENXIO.negated();
        }
    }

    /** Whole pages, so that the last one is not shared. */
    private static long room(long metadata) {
        return Math.addExact(metadata, PAGE - 1) & -PAGE;
    }

    private static void make(Path path, long dataSize, IntegrityFormat format, boolean exists)
            throws IOException {
        ByteBuffer page = page(dataSize, format);
        try (FileChannel channel = channel(path, exists)) {
            if (!tryLock(channel)) {
                throw new UnfitFileException(path, "is in use by another server");
            }
            long at = room(format.metadataOf(dataSize));
            if (channel.size() > at + PAGE) {
                throw new UnfitFileException(
                        path,
                        "has %d bytes, and the metadata of this device %d"
                                .formatted(channel.size(), at + PAGE));
            }
            try {
                while (page.hasRemaining()) {
                    at += channel.write(page, at);
                }
                channel.force(true);
            } catch (Throwable e) {
                if (!exists) {
                    Files.deleteIfExists(path);
                }
                throw e;
            }
        }
    }

    private static FileChannel channel(Path path, boolean exists) throws IOException {
        try {
            return exists
                    ? FileChannel.open(path, StandardOpenOption.WRITE)
                    : FileChannel.open(
                            path, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
        } catch (FileAlreadyExistsException _) {
            throw new UnfitFileException(path, "is being made by another server");
        }
    }

    private static boolean tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException _) {
            return false; // by this process
        }
    }

    private static void check(Path path, long dataSize, IntegrityFormat format) throws IOException {
        ByteBuffer expected = page(dataSize, format);
        ByteBuffer found = ByteBuffer.allocate(PAGE).order(ByteOrder.LITTLE_ENDIAN);
        long at = readPage(path, found);
        if (!isPage(found)) {
            throw new UnfitFileException(path, "has data, and is no metadata of this version");
        }
        if (found.getLong(SIZE_AT) != dataSize) {
            throw new UnfitFileException(
                    path,
                    "is the metadata of %d bytes of data, and there are %d"
                            .formatted(found.getLong(SIZE_AT), dataSize));
        }
        if (!found.rewind().equals(expected)) {
            throw new UnfitFileException(
                    path,
                    "is of another format, %s, and not of %s"
                            .formatted(describe(found), describe(expected)));
        }
        long wanted = room(format.metadataOf(dataSize));
        if (at != wanted) {
            throw new UnfitFileException(
                    path,
                    "has %d bytes of metadata, and not the %d that it says".formatted(at, wanted));
        }
    }

    /** {@return where the last page begins, negative where there is none} */
    private static long readPage(Path path, ByteBuffer page) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            long at = channel.size() - PAGE;
            while (at >= 0 && page.hasRemaining()) {
                int count = channel.read(page, at + page.position());
                if (count < 0) {
                    break;
                }
            }
            return at;
        }
    }

    private static boolean isPage(ByteBuffer page) {
        return page.slice(0, MAGIC.length).equals(ByteBuffer.wrap(MAGIC))
                && page.getInt(MAGIC.length) == VERSION
                && page.getInt(SUM_AT) == sum(page);
    }

    private static String describe(ByteBuffer page) {
        int tags = page.getInt(36) == 0 ? 0 : ParamIntegrityLayout.LBMD_PI_CAP_REFTAG;
        int interval = Integer.numberOfTrailingZeros(page.getInt(28));
        int offset = page.getInt(40);
        IntegrityFormat format =
                IntegrityFormat.ofParameters(
                        tags, interval, page.getInt(24), offset, page.getInt(32), 0);
        return offset == 0 ? format.toString() : "%s from byte %d on".formatted(format, offset);
    }

    private static ByteBuffer page(long dataSize, IntegrityFormat format) {
        ByteBuffer page = ByteBuffer.allocate(PAGE).order(ByteOrder.LITTLE_ENDIAN);
        page.put(MAGIC).putInt(VERSION).putInt(0).putLong(dataSize);
        page.putInt(format.metadataSize()).putInt(format.interval());
        page.putInt(format.checksum().code());
        page.putInt(format.hasReferenceTags() ? 1 : 0).putInt(format.offset());
        assert page.position() == END : page;
        page.putInt(SUM_AT, sum(page));
        return page.rewind();
    }

    private static int sum(ByteBuffer page) {
        CRC32C crc = new CRC32C();
        crc.update(page.slice(0, SUM_AT));
        crc.update(page.slice(SUM_AT + Integer.BYTES, PAGE - SUM_AT - Integer.BYTES));
        return (int) crc.getValue();
    }

    /** {@return whether the file was made by opening it} */
    public boolean isNew() {
        return isNew;
    }

    /** {@return the metadata as a target, which is closed instead of this} */
    public FileTarget target() {
        return new FileTarget(file);
    }
}
