package dev.ublk4j.vhostuser;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.vhostuser.blk.BlkDevice;
import dev.ublk4j.vhostuser.blk.CacheMode;
import dev.ublk4j.vhostuser.blk.CallEnd;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Does what the messages of one client ask for. One thread. */
final class Requests implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Requests.class.getName());

    private static final long RING_MASK = 0xff;
    private static final long NO_DESCRIPTOR = 1 << 8;
    private static final int CONFIG_HEADER_BYTES = 12;

    private final ServedDisk disk;
    private final RegionTable regions;
    private final RingTable rings;
    private final CacheMode cacheMode;
    private final long offered;
    private long features;
    private long protocolFeatures;
    private final FrontendChannel frontend;
    private @Nullable SharedMemory passed;

    Requests(ServedDisk disk, VhostUserOptions options, Consumer<String> onBroken) {
        this.disk = disk;
        this.regions = new RegionTable(disk.served(), options);
        this.cacheMode = new CacheMode(disk.device().geometry().volatileCache());
        this.rings = new RingTable(disk, cacheMode, options.patience(), onBroken);
        this.offered = Features.of(disk.device(), options.packed());
        this.frontend = new FrontendChannel(disk.disk());
    }

    /** {@return whether the client may ask for an acknowledgement} */
    boolean acknowledges() {
        return (protocolFeatures & Features.PROTOCOL_F_REPLY_ACK) != 0;
    }

    /** {@return a descriptor that goes with the answer that has just been made, or null} */
    @Nullable Fd takePassed() {
        return passed == null ? null : passed.fd();
    }

    /**
     * Does one thing.
     *
     * @param in what the message says
     * @param descriptors what came with it; those that are still in the list afterwards are the
     *     caller's to close
     * @param out where an answer is put
     * @return whether there is one
     * @throws ProtocolException when it cannot be done
     */
    boolean handle(MessageCode code, ByteBuffer in, List<Fd> descriptors, ByteBuffer out) {
        forgetPassed();
        switch (code) {
            case GET_FEATURES -> out.putLong(offered);
            case GET_PROTOCOL_FEATURES -> out.putLong(Features.PROTOCOL);
            case GET_QUEUE_NUM -> out.putLong(disk.device().queues());
            case GET_MAX_MEM_SLOTS -> out.putLong(RegionTable.MAX_REGIONS);
            case GET_VRING_BASE -> getVringBase(in, out);
            case GET_CONFIG -> getConfig(in, out);
            case GET_INFLIGHT_FD -> getInflight(in, out);
            default -> {
                change(code, in, descriptors);
                return false;
            }
        }
        return true;
    }

    private void change(MessageCode code, ByteBuffer in, List<Fd> descriptors) {
        switch (code) {
            case SET_OWNER -> {}
            case RESET_OWNER -> rings.stopAll();
            case SET_FEATURES -> setFeatures(in.getLong());
            case SET_PROTOCOL_FEATURES ->
                    protocolFeatures = subset(in.getLong(), Features.PROTOCOL, "protocol features");
            case SET_MEM_TABLE -> setMemTable(in, descriptors);
            case ADD_MEM_REG -> addMemReg(in, descriptors);
            case REM_MEM_REG -> remMemReg(in);
            case SET_VRING_NUM -> {
                RingState ring = unserved(in.getInt());
                ring.setSize(in.getInt());
            }
            case SET_VRING_BASE -> {
                RingState ring = unserved(in.getInt());
                ring.setBase(in.getInt());
            }
            case SET_VRING_ADDR -> setVringAddr(in);
            case SET_VRING_KICK -> setVringKick(in.getLong(), descriptors);
            case SET_VRING_CALL -> setVringCall(in.getLong(), descriptors);
            case SET_BACKEND_REQ_FD -> frontend.set(only(descriptors));
            case SET_VRING_ERR -> rings.ring((int) (in.getLong() & RING_MASK));
            case SET_VRING_ENABLE -> {
                RingState ring = rings.ring(in.getInt());
                enable(ring, in.getInt() != 0);
            }
            case SET_INFLIGHT_FD -> {
                rings.requireNoneServed();
                InflightMemory.Description description =
                        InflightMemory.Description.get(in, disk.device().queues());
                RingFormat format = RingFormat.of(features);
                rings.setInflight(InflightMemory.map(description, format, only(descriptors)));
            }
            case SET_CONFIG -> setConfig(in);
            default -> throw new ProtocolException("it was not offered");
        }
    }

    private void forgetPassed() {
        if (passed != null) {
            passed.close();
            passed = null;
        }
    }

    private static Fd only(List<Fd> descriptors) {
        if (descriptors.size() != 1) {
            throw new ProtocolException(
                    "%d descriptors instead of one".formatted(descriptors.size()));
        }
        return descriptors.removeFirst();
    }

    private static long subset(long wanted, long offered, String what) {
        if ((wanted & ~offered) != 0) {
            throw new ProtocolException(
                    "%s 0x%x that were not offered".formatted(what, wanted & ~offered));
        }
        return wanted;
    }

    private void setFeatures(long wanted) {
        features = subset(wanted, offered, "features");
        cacheMode.setFlushes((features & BlkDevice.VIRTIO_BLK_F_FLUSH) != 0);
        if ((features & Features.VHOST_USER_F_PROTOCOL_FEATURES) == 0) {
            // Who does not know of enabling rings cannot do it.
            for (int index = 0; index < disk.device().queues(); index++) {
                rings.ring(index).setEnabled(true);
            }
        }
    }

    private RingState unserved(int index) {
        RingState ring = rings.ring(index);
        if (ring.isServed()) {
            throw new ProtocolException("ring %d is being served".formatted(index));
        }
        return ring;
    }

    private void setMemTable(ByteBuffer in, List<Fd> descriptors) {
        int count = in.getInt();
        in.getInt();
        if (count < 0 || count != descriptors.size()) {
            throw new ProtocolException(
                    "%d regions with %d descriptors".formatted(count, descriptors.size()));
        }
        List<RingState> stopped = rings.stopAll();
        regions.clear();
        for (int i = 0; i < count; i++) {
            regions.add(Region.get(in), descriptors.removeFirst());
        }
        start(stopped);
    }

    private void start(List<RingState> stopped) {
        for (RingState ring : stopped) {
            rings.startIfComplete(ring, regions.memory(), features);
        }
    }

    private void addMemReg(ByteBuffer in, List<Fd> descriptors) {
        in.getLong();
        regions.add(Region.get(in), only(descriptors));
        rings.replaceMemory(regions.memory());
    }

    private void remMemReg(ByteBuffer in) {
        in.getLong();
        Region region = Region.get(in);
        // Nothing of the region may be in use. Rings that lie in it do not start again.
        List<RingState> stopped = rings.stopAll();
        try {
            regions.remove(region);
        } finally {
            start(stopped);
        }
    }

    private void setVringAddr(ByteBuffer in) {
        int index = in.getInt();
        int flags = in.getInt();
        long descriptors = in.getLong();
        long used = in.getLong();
        long available = in.getLong();
        if (flags != 0) {
            throw new ProtocolException("the dirty log is not supported");
        }
        RingState ring = rings.ring(index);
        boolean same =
                ring.descriptors() == descriptors
                        && ring.used() == used
                        && ring.available() == available;
        if (!same) {
            unserved(index).setAddresses(descriptors, available, used);
        }
    }

    private void setVringKick(long value, List<Fd> descriptors) {
        RingState ring = rings.ring((int) (value & RING_MASK));
        if ((value & NO_DESCRIPTOR) != 0) {
            throw new ProtocolException("rings without kicks are not supported");
        }
        Fd kick = only(descriptors);
        try {
            EventFds.checkKick(kick);
            rings.stop(ring);
        } catch (Throwable e) {
            kick.close();
            throw e;
        }
        ring.setKick(kick);
        rings.startIfComplete(ring, regions.memory(), features);
    }

    private void setVringCall(long value, List<Fd> descriptors) {
        RingState ring = rings.ring((int) (value & RING_MASK));
        if ((value & NO_DESCRIPTOR) != 0) {
            rings.setCall(ring, null);
            return;
        }
        Fd call = only(descriptors);
        CallEnd end;
        try {
            end = EventFds.call(call);
        } catch (Throwable e) {
            call.close();
            throw e;
        }
        rings.setCall(ring, end);
    }

    private void enable(RingState ring, boolean enabled) {
        ring.setEnabled(enabled);
        if (enabled) {
            rings.startIfComplete(ring, regions.memory(), features);
        } else {
            rings.stop(ring);
        }
    }

    private void getVringBase(ByteBuffer in, ByteBuffer out) {
        RingState ring = rings.ring(in.getInt());
        in.getInt();
        rings.stop(ring);
        ring.setKick(null);
        out.putInt(ring.index()).putInt(ring.base(RingFormat.of(features).newBase()));
    }

    private void getConfig(ByteBuffer in, ByteBuffer out) {
        int offset = in.getInt();
        int size = in.getInt();
        int flags = in.getInt();
        if (offset < 0
                || size < 0
                || size > BlkDevice.CONFIG_BYTES
                || offset > BlkDevice.CONFIG_BYTES - size
                || in.remaining() < size) {
            throw new ProtocolException("%d bytes of it from %d on".formatted(size, offset));
        }
        out.putInt(offset).putInt(size).putInt(flags);
        out.put(disk.device().config(disk.disk().size(), cacheMode.isWriteback()), offset, size);
        assert out.position() >= CONFIG_HEADER_BYTES;
    }

    /** Takes the one byte that a client may change: whether it will flush. */
    private void setConfig(ByteBuffer in) {
        int offset = in.getInt();
        int size = in.getInt();
        in.getInt();
        boolean offers = (features & BlkDevice.VIRTIO_BLK_F_CONFIG_WCE) != 0;
        if (!offers || offset != BlkDevice.WRITEBACK || size != 1) {
            throw new ProtocolException(
                    "%d bytes from %d on cannot be changed".formatted(size, offset));
        }
        boolean writeback = in.get() != 0;
        cacheMode.setWriteback(writeback);
        if (!writeback) {
            // What has been answered until now is not flushed by anybody any more.
            long answer = disk.disk().flush();
            if (answer < 0) {
                throw new ProtocolException(
                        "cannot flush earlier writes: " + Errno.of((int) answer));
            }
        }
    }

    private void getInflight(ByteBuffer in, ByteBuffer out) {
        int bytes = in.remaining();
        InflightMemory.Description wanted =
                InflightMemory.Description.get(in, disk.device().queues());
        SharedMemory file = InflightMemory.create(wanted, RingFormat.of(features));
        passed = file;
        int start = out.position();
        new InflightMemory.Description(file.size(), 0, wanted.rings(), wanted.size()).put(out);
        // QEMU's structure has 4 bytes of padding, and the answer must be as long.
        while (out.position() - start < bytes) {
            out.put((byte) 0);
        }
    }

    /**
     * Stops the rings and lets go of the client's memory. Where the target does not answer what is
     * out of it, the memory stays until it does.
     */
    @Override
    public void close() {
        forgetPassed();
        frontend.close();
        try {
            rings.stopAll();
        } catch (Throwable e) {
            LOG.log(
                    Level.WARNING,
                    () -> "the memory of a disconnected client stays mapped: " + e.getMessage());
            Thread.ofPlatform()
                    .daemon()
                    .name("vhost-user-end")
                    .start(() -> {
                        rings.stopAllHoweverLate();
                        letGo();
                    });
            return;
        }
        letGo();
    }

    private void letGo() {
        try {
            rings.close();
        } finally {
            regions.close();
        }
    }
}
