package dev.ublk4j.conformance.acceptance;

import dev.ublk4j.driver.control.Control;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.driver.spi.TagBuffers;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.ElemHeaderLayout;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uapi.wire.IoResult;
import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.IoUring;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * Serves a file in batches, and has the pages of a tag's requests registered in another slot each
 * time: {@code kublk add --type loop --batch --auto_zc --rotate_auto_buf}, for {@code
 * conformance/kublk}. The driver must take them out of the slot that it put them in, not of the one
 * that the commit names for the next request.
 */
final class RotatingServer implements CompletionHandler {
    private static final int PAGE = 4096;
    private static final int MAX_IO_BYTES = 1 << 20;

    /** Slots that a tag goes round in. */
    private static final int SLOTS_PER_TAG = 3;

    /** Of completions; a tag's own I/O has the tag. */
    private static final long FETCH = 1 << 20;

    private static final long COMMIT = FETCH + 1;

    private final DeviceInfo info;
    private final BackingFile file;
    private final QueueRing queue;
    private final Ring ring;
    private final TagBuffers buffers;
    private final MemorySegment descriptors;
    private final MemorySegment elements;
    private final int[] slots;
    private boolean ended;

    private RotatingServer(DeviceInfo info, BackingFile file, CharDevice device, Arena arena) {
        int depth = info.queueDepth();
        this.info = info;
        this.file = file;
        this.queue = device.openRing(RingOptions.defaults().withEntries(4 * depth));
        this.ring = queue.ring();
        ring.registerSparseBuffers(SLOTS_PER_TAG * depth);
        this.buffers = queue.openTagBuffers(4, depth);
        this.descriptors =
                device.map(
                        BufferOffset.descriptors(0, info.descriptorStride(), PAGE),
                        BufferOffset.descriptorBytes(depth, info.descriptorStride(), PAGE),
                        arena);
        this.elements = arena.allocate((long) depth * ElemHeaderLayout.SIZE, Long.BYTES);
        this.slots = new int[depth];
    }

    /**
     * Serves until the device is stopped; says what {@code kublk add} says when it is live.
     *
     * @param arguments the file, and the depth of the queue
     */
    public static void main(String[] arguments) throws InterruptedException {
        int depth = Integer.parseInt(arguments[1]);
        try (Arena arena = Arena.ofShared();
                KernelDriver driver = KernelDriver.open();
                BackingFile file =
                        BackingFile.open(
                                Path.of(arguments[0]), BackingFile.Caching.DIRECT, false)) {
            Control control = new Control(driver);
            long features =
                    Feature.BATCH_IO.mask()
                            | Feature.AUTO_BUF_REG.mask()
                            | Feature.SUPPORT_ZERO_COPY.mask();
            DeviceInfo info = control.add(DeviceInfo.request(-1, 1, depth, MAX_IO_BYTES, features));
            control.setParams(info.deviceId(), params(file.size()));
            try (CharDevice device = driver.open(info.deviceId())) {
                RotatingServer server = new RotatingServer(info, file, device, arena);
                server.prepare();
                // Reads of partitions, which this thread serves, are part of the start.
                Thread starting =
                        Thread.ofPlatform()
                                .start(() -> {
                                    control.start(info.deviceId(), ProcessHandle.current().pid());
                                    System.out.printf("dev id %d: live%n", info.deviceId());
                                });
                server.serve();
                starting.join();
            }
        }
    }

    private static DeviceParams params(long bytes) {
        int blockShift = 12;
        return new DeviceParams(null, null, null, null, null, null, null)
                .with(
                        new DeviceParams.Basic(
                                0,
                                9,
                                blockShift,
                                blockShift,
                                9,
                                MAX_IO_BYTES >> 9,
                                0,
                                bytes >> 9,
                                0));
    }

    private void prepare() {
        for (int tag = 0; tag < slots.length; tag++) {
            slots[tag] = tag;
            element(tag, 0);
        }
        queue.batch(
                IoCommand.UBLK_U_IO_PREP_IO_CMDS, 0, 0, slots.length, elements.address(), COMMIT);
        queue.fetchBatch(0, buffers, FETCH);
    }

    private long element(int tag, int result) {
        long at = (long) tag * ElemHeaderLayout.SIZE;
        ElemHeaderLayout.tag(elements, at, tag);
        ElemHeaderLayout.bufIndex(elements, at, slots[tag]);
        ElemHeaderLayout.result(elements, at, result);
        return elements.address() + at;
    }

    private void serve() {
        while (!ended) {
            queue.run(true, this);
        }
        buffers.close();
        queue.close();
    }

    @Override
    public void onCompletion(long userData, int result, int flags) {
        if (userData == FETCH) {
            fetched(result, flags);
        } else if (userData == COMMIT) {
            LinuxException.check("UBLK_U_IO_COMMIT_IO_CMDS", "ublk" + info.deviceId(), result);
        } else {
            commit((int) userData, result);
        }
    }

    private void fetched(int result, int flags) {
        if ((flags & IoUring.IORING_CQE_F_BUFFER) != 0) {
            int buffer = flags >>> IoUring.IORING_CQE_BUFFER_SHIFT;
            for (int i = 0; i < result / Short.BYTES; i++) {
                begin(buffers.tag(buffer, i));
            }
            buffers.giveBack(buffer);
        }
        if ((flags & IoUring.IORING_CQE_F_MORE) != 0) {
            return;
        }
        if (result == IoResult.UBLK_IO_RES_ABORT) {
            ended = true;
        } else {
            queue.fetchBatch(0, buffers, FETCH);
        }
    }

    private void begin(int tag) {
        long base = IoDescLayout.offset(tag, info.descriptorStride());
        long offset = IoDescLayout.startSector(descriptors, base) << 9;
        int bytes = IoDescLayout.nrSectors(descriptors, base) << 9;
        int fd = file.fd().number();
        switch (IoDescLayout.opFlags(descriptors, base) & 0xff) {
            case 0 -> ring.readFixed(fd, 0, bytes, offset, slots[tag], tag);
            case 1 -> ring.writeFixed(fd, 0, bytes, offset, slots[tag], tag);
            default -> commit(tag, Errno.EOPNOTSUPP.negated());
        }
    }

    private void commit(int tag, int result) {
        slots[tag] = (slots[tag] + slots.length) % (SLOTS_PER_TAG * slots.length);
        long element = element(tag, result);
        queue.batch(IoCommand.UBLK_U_IO_COMMIT_IO_CMDS, 0, 0, 1, element, COMMIT);
    }
}
