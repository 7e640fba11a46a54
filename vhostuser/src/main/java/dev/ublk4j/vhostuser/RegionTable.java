package dev.ublk4j.vhostuser;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.server.Device;
import dev.ublk4j.sharedmemory.Seal;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharedmemory.frames.PageFrames;
import dev.ublk4j.vhostuser.ring.GuestMemory;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;

/**
 * The memory of one client: mapped, and registered with the device.
 *
 * <p>One thread. Nobody may use a region any more when it is removed.
 */
final class RegionTable implements AutoCloseable {
    /*
     * Registering:
     * ------------
     * A region is what a buffer of REG_BUF is, under another name. It is registered in pieces, as a
     * buffer has 4 GiB at most, and one of an io_uring 1 GiB. A request that lies across the end of a
     * piece is copied, as any that does not lie in one buffer.
     *
     * The driver numbers page frames by file and page, so a region of any size is one range of frames,
     * and finding it costs one look at /proc/self/maps. Nothing is pinned, unless that is asked for: a
     * guest's memory gets its pages when the guest touches them, and a balloon may give them back. A
     * registered buffer of an io_uring would keep the page that was given back, and read into that
     * instead of the one which the guest has now.
     *
     * Memory that goes away:
     * ----------------------
     * A client that makes its file smaller takes pages away that are mapped here. A memfd that can be
     * sealed against that is sealed, for good and for everybody. One that cannot, because its maker did
     * not allow seals or because it is a file, is taken unless only sealed memory is asked for.
     */
    private static final System.Logger LOG = System.getLogger(RegionTable.class.getName());

    /** The most regions of a client. */
    static final int MAX_REGIONS = 512;

    private final Device device;
    private final VhostUserOptions options;
    private final List<MappedRegion> mapped = new ArrayList<>();
    private final PageFrames frames = PageFrames.synthetic();

    RegionTable(Device device, VhostUserOptions options) {
        this.device = device;
        this.options = options;
    }

    /** {@return the memory as it is now} */
    GuestMemory memory() {
        return GuestMemory.of(mapped.stream().map(MappedRegion::guest).toList());
    }

    /** {@return how many regions there are} */
    int count() {
        return mapped.size();
    }

    /**
     * Maps and registers a region.
     *
     * @param fd of the memory; belongs to this method
     * @throws ProtocolException when it cannot be used
     */
    void add(Region region, Fd fd) {
        try (SharedMemory file = SharedMemory.adopt(fd)) {
            check(region, file);
            mapped.add(new MappedRegion(region, file, device, frames, options.pinned()));
        } catch (LinuxException | IllegalArgumentException e) {
            throw new ProtocolException("region of %s: %s".formatted(region, e.getMessage()), e);
        }
    }

    private void check(Region region, SharedMemory file) {
        if (mapped.size() >= MAX_REGIONS) {
            throw new ProtocolException("more than %d regions".formatted(MAX_REGIONS));
        }
        long starts = region.guest() | region.offset();
        if (region.bytes() <= 0
                || region.offset() < 0
                || region.guest() < 0
                || region.guest() > Long.MAX_VALUE - Pages.ceiling(region.bytes())
                || Pages.floor(starts) != starts) {
            throw new ProtocolException(
                    "region of %s, from byte %d of its file on, is invalid, or begins within a page"
                            .formatted(region, region.offset()));
        }
        for (MappedRegion other : mapped) {
            if (region.guest() < other.guest().end()
                    && other.guest().guest() - region.bytes() < region.guest()) {
                throw new ProtocolException(
                        "regions of %s and %s overlap".formatted(other.region(), region));
            }
        }
        seal(region, file);
        // After the seal: the size does not become less from here on.
        long size = file.size();
        if (region.offset() > size || region.bytes() > size - region.offset()) {
            throw new ProtocolException(
                    "region of %s from byte %d on exceeds its file of %d"
                            .formatted(region, region.offset(), size));
        }
    }

    private void seal(Region region, SharedMemory file) {
        if (file.seals().contains(Seal.SHRINK)) {
            return;
        }
        try {
            file.seal(Seal.SHRINK);
        } catch (LinuxException e) {
            if (e.errno() != Errno.EPERM && e.errno() != Errno.EINVAL) {
                throw e;
            }
            if (options.sealedOnly()) {
                throw new ProtocolException(
                        "region of %s cannot be sealed, so the client could truncate it"
                                .formatted(region),
                        e);
            }
            LOG.log(
                    Level.DEBUG,
                    () ->
                            "region of %s cannot be sealed: its client is trusted not to truncate it"
                                    .formatted(region));
        }
    }

    /**
     * Takes a region back.
     *
     * @throws ProtocolException when there is none like it
     */
    void remove(Region region) {
        for (MappedRegion candidate : mapped) {
            if (candidate.region().isSame(region)) {
                mapped.remove(candidate);
                candidate.close();
                return;
            }
        }
        throw new ProtocolException("there is no region of %s".formatted(region));
    }

    /** Takes all regions back; those that could be are, when this throws. */
    void clear() {
        RuntimeException failure = null;
        while (!mapped.isEmpty()) {
            try {
                mapped.removeLast().close();
            } catch (RuntimeException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public void close() {
        try {
            clear();
        } finally {
            frames.close();
        }
    }

    @Override
    public String toString() {
        return mapped.stream().map(MappedRegion::region).toList().toString();
    }
}
