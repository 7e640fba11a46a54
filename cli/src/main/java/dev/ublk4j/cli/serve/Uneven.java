package dev.ublk4j.cli.serve;

import dev.ublk4j.layers.Concat;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.internal.FileStatus;
import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.ExactSize;
import dev.ublk4j.server.Extents;
import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.LeavesData;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileOptions;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.targets.LastBlock;
import dev.ublk4j.uapi.Sectors;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A target whose size is no whole number of blocks, for protocols that count in bytes. */
public final class Uneven extends ForwardingTarget implements ExactSize, AllocationMap {
    private final long size;

    /** Describes the first bytes, so many; null where it does not. */
    private final @Nullable AllocationMap map;

    private final long mapped;

    private Uneven(Target target, long size, @Nullable AllocationMap map, long mapped) {
        super(target);
        this.size = size;
        this.map = map;
        this.mapped = mapped;
    }

    /**
     * {@return a target as a smaller one}
     *
     * @param target larger by less than a block; belongs to this one from now on
     * @param size bytes of it that count
     */
    public static Target of(Target target, long size) {
        return new Uneven(
                target, size, target.ability(AllocationMap.class), target.geometry().size());
    }

    /**
     * {@return a file, or a part of one, of any size; a regular file may be empty}
     *
     * @throws RuntimeException as {@link BackingFile#open(Path, FileOptions)} does
     */
    public static Target file(Path path, FileOptions options) {
        long size = size(path, options);
        int block = options.blockSize() == 0 ? Sectors.SIZE : options.blockSize();
        long whole = size & -block;
        if (size < 0 || (whole == size && size > 0)) {
            return new FileTarget(BackingFile.open(path, options));
        }
        int rest = (int) (size - whole);
        FileOptions end = options.withPart(options.offset() + whole, 0);
        if (whole == 0) {
            return new Uneven(LastBlock.open(path, end, rest), size, null, 0);
        }
        FileTarget body =
                new FileTarget(BackingFile.open(path, options.withPart(options.offset(), whole)));
        LastBlock last;
        try {
            last = LastBlock.open(path, end, rest);
        } catch (Throwable e) {
            body.close();
            throw e;
        }
        return new Uneven(new Concat(List.of(body, last)), size, body, whole);
    }

    /** {@return the size of a regular file, or of its part; -1 for what is left to others} */
    private static long size(Path path, FileOptions options) {
        try (Fd fd = Fd.open(path, Fd.O_PATH)) {
            FileStatus status = FileStatus.of(fd);
            long rest = status.size() - options.offset();
            if (!status.isRegular() || rest < 0 || options.size() > rest) {
                return -1;
            }
            return options.size() == 0 ? rest : options.size();
        }
    }

    @Override
    public long exactSize() {
        return size;
    }

    /** Its size stays as it is. */
    @Override
    public <A> @Nullable A ability(Class<A> type) {
        if (type == ExactSize.class || (type == AllocationMap.class && map != null)) {
            return type.cast(this);
        }
        return type == LeavesData.class ? target().ability(type) : null;
    }

    /** What lies behind that which the map knows is data. */
    @Override
    public void describe(long offset, long length, Extents extents) {
        long end = offset + length;
        long known = Math.clamp(mapped, offset, end);
        if (map != null && known > offset) {
            map.describe(offset, known - offset, extents);
        }
        if (extents.described() == known - offset) {
            boolean _ = extents.add(end - known, true);
        }
    }
}
