package dev.ublk4j.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The calls of {@code io_uring_register} on one ring.
 *
 * <pre>{@code
 * struct io_uring_rsrc_register {    // 32 bytes
 *     __u32 nr, flags;
 *     __u64 resv2;
 *     __u64 data;                    // files: __s32[nr], buffers: struct iovec[nr]
 *     __u64 tags;
 * };
 * struct io_uring_rsrc_update2 {     // 32 bytes; the first 16 are also io_uring_files_update
 *     __u32 offset, resv;          // ring descriptors: -1 for any place, and which it became
 *     __u64 data, tags;
 *     __u32 nr, resv2;
 * };
 * struct io_uring_buf_reg {          // 40 bytes
 *     __u64 ring_addr;
 *     __u32 ring_entries;
 *     __u16 bgid, flags;
 *     __u64 resv[3];
 * };
 * struct io_uring_sync_cancel_reg {  // 64 bytes
 *     __u64 addr;
 *     __s32 fd;
 *     __u32 flags;
 *     struct __kernel_timespec timeout;
 *     __u8  opcode, pad[7];
 *     __u64 pad2[3];
 * };
 * }</pre>
 */
final class Registration {
    static final int RSRC_REGISTER_BYTES = 32;
    static final int RSRC_REGISTER_NR = 0;
    static final int RSRC_REGISTER_FLAGS = 4;
    static final int RSRC_REGISTER_DATA = 16;

    static final int RSRC_UPDATE2_BYTES = 32;
    static final int RSRC_UPDATE2_OFFSET = 0;
    static final int RSRC_UPDATE2_DATA = 8;
    static final int RSRC_UPDATE2_TAGS = 16;
    static final int RSRC_UPDATE2_NR = 24;

    static final int BUF_REG_BYTES = 40;
    static final int BUF_REG_RING_ADDR = 0;
    static final int BUF_REG_RING_ENTRIES = 8;
    static final int BUF_REG_BGID = 12;
    static final int BUF_REG_FLAGS = 14;

    static final int SYNC_CANCEL_BYTES = 64;
    static final int SYNC_CANCEL_FD = 8;
    static final int SYNC_CANCEL_FLAGS = 12;
    static final int SYNC_CANCEL_TIMEOUT = 16;

    static final int IOVEC_BYTES = 16;
    static final int IOVEC_BASE = 0;
    static final int IOVEC_LEN = 8;

    private static final int ANY_PLACE = -1;

    private final Fd fd;

    // Arguments of the calls that may be made between requests, so that these allocate nothing.
    private final MemorySegment argument;
    private final MemorySegment item;
    private final MemorySegment tag;

    Registration(Fd fd, Arena arena) {
        this.fd = fd;
        this.argument = arena.allocate(SYNC_CANCEL_BYTES, Long.BYTES);
        this.item = arena.allocate(IOVEC_BYTES, Long.BYTES);
        this.tag = arena.allocate(Long.BYTES, Long.BYTES);
    }

    void files(int[] fds) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = arena.allocateFrom(JAVA_INT, fds);
            register(
                    IoUring.IORING_REGISTER_FILES, "REGISTER_FILES", numbers.address(), fds.length);
        }
    }

    void sparseFiles(int slots) {
        sparse(IoUring.IORING_REGISTER_FILES2, "REGISTER_FILES2", slots);
    }

    void updateFile(int slot, int number) {
        item.set(JAVA_INT, 0, number);
        argument.fill((byte) 0);
        argument.set(JAVA_INT, RSRC_UPDATE2_OFFSET, slot);
        argument.set(JAVA_LONG, RSRC_UPDATE2_DATA, item.address());
        register(
                IoUring.IORING_REGISTER_FILES_UPDATE,
                "REGISTER_FILES_UPDATE",
                argument.address(),
                1);
    }

    void unregisterFiles() {
        register(IoUring.IORING_UNREGISTER_FILES, "UNREGISTER_FILES", 0, 0);
    }

    void buffers(MemorySegment... buffers) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment vector = arena.allocate((long) buffers.length * IOVEC_BYTES, Long.BYTES);
            for (int i = 0; i < buffers.length; i++) {
                long base = (long) i * IOVEC_BYTES;
                vector.set(JAVA_LONG, base + IOVEC_BASE, buffers[i].address());
                vector.set(JAVA_LONG, base + IOVEC_LEN, buffers[i].byteSize());
            }
            argument.fill((byte) 0);
            argument.set(JAVA_INT, RSRC_REGISTER_NR, buffers.length);
            argument.set(JAVA_LONG, RSRC_REGISTER_DATA, vector.address());
            register(
                    IoUring.IORING_REGISTER_BUFFERS2,
                    "REGISTER_BUFFERS2",
                    argument.address(),
                    RSRC_REGISTER_BYTES);
        }
    }

    void sparseBuffers(int slots) {
        sparse(IoUring.IORING_REGISTER_BUFFERS2, "REGISTER_BUFFERS2", slots);
    }

    void updateBuffer(int slot, long address, long length, long releaseTag) {
        item.set(JAVA_LONG, IOVEC_BASE, address);
        item.set(JAVA_LONG, IOVEC_LEN, length);
        tag.set(JAVA_LONG, 0, releaseTag);
        argument.fill((byte) 0);
        argument.set(JAVA_INT, RSRC_UPDATE2_OFFSET, slot);
        argument.set(JAVA_LONG, RSRC_UPDATE2_DATA, item.address());
        argument.set(JAVA_LONG, RSRC_UPDATE2_TAGS, tag.address());
        argument.set(JAVA_INT, RSRC_UPDATE2_NR, 1);
        register(
                IoUring.IORING_REGISTER_BUFFERS_UPDATE,
                "REGISTER_BUFFERS_UPDATE",
                argument.address(),
                RSRC_UPDATE2_BYTES);
    }

    void unregisterBuffers() {
        register(IoUring.IORING_UNREGISTER_BUFFERS, "UNREGISTER_BUFFERS", 0, 0);
    }

    void eventFd(int number) {
        item.set(JAVA_INT, 0, number);
        register(IoUring.IORING_REGISTER_EVENTFD, "REGISTER_EVENTFD", item.address(), 1);
    }

    void unregisterEventFd() {
        register(IoUring.IORING_UNREGISTER_EVENTFD, "UNREGISTER_EVENTFD", 0, 0);
    }

    void bufferRing(MemorySegment ring, int entries, int group, int flags) {
        bufferRing(
                IoUring.IORING_REGISTER_PBUF_RING,
                "REGISTER_PBUF_RING",
                ring.address(),
                entries,
                group,
                flags);
    }

    void unregisterBufferRing(int group) {
        bufferRing(IoUring.IORING_UNREGISTER_PBUF_RING, "UNREGISTER_PBUF_RING", 0, 0, group, 0);
    }

    /** {@return 0, or the negative errno of {@code REGISTER_SYNC_CANCEL} that is not a failure} */
    int cancelAll(long timeoutNanos) {
        argument.fill((byte) 0);
        argument.set(JAVA_INT, SYNC_CANCEL_FD, -1);
        argument.set(
                JAVA_INT,
                SYNC_CANCEL_FLAGS,
                IoUring.IORING_ASYNC_CANCEL_ANY | IoUring.IORING_ASYNC_CANCEL_ALL);
        Enter.timespec(argument, SYNC_CANCEL_TIMEOUT, timeoutNanos);
        int answer = call(IoUring.IORING_REGISTER_SYNC_CANCEL, argument.address(), 1);
        if (answer >= 0 || answer == Errno.ENOENT.negated() || answer == Errno.ETIME.negated()) {
            return answer;
        }
        throw refused("REGISTER_SYNC_CANCEL", answer);
    }

    /**
     * Has the kernel remember the ring for the calling thread, so that a call need not look it up
     * among the descriptors.
     *
     * @return what the thread's calls name the ring by then, or a negative errno: {@link
     *     Errno#EINVAL} of a kernel before 5.18, {@link Errno#EBUSY} of a thread that has 16
     */
    int ringFd() {
        argument.fill((byte) 0);
        argument.set(JAVA_INT, RSRC_UPDATE2_OFFSET, ANY_PLACE);
        argument.set(JAVA_LONG, RSRC_UPDATE2_DATA, fd.number());
        int answer = call(IoUring.IORING_REGISTER_RING_FDS, argument.address(), 1);
        return answer < 1 ? answer : argument.get(JAVA_INT, RSRC_UPDATE2_OFFSET);
    }

    /** Ends {@link #ringFd}, which keeps the ring open; on the same thread. */
    void unregisterRingFd(int place) {
        argument.fill((byte) 0);
        argument.set(JAVA_INT, RSRC_UPDATE2_OFFSET, place);
        register(IoUring.IORING_UNREGISTER_RING_FDS, "UNREGISTER_RING_FDS", argument.address(), 1);
    }

    /** {@return whether the ring is gone, and everything registered with it} */
    boolean isClosed() {
        return fd.isClosed();
    }

    private void sparse(int operation, String name, int slots) {
        argument.fill((byte) 0);
        argument.set(JAVA_INT, RSRC_REGISTER_NR, slots);
        argument.set(JAVA_INT, RSRC_REGISTER_FLAGS, IoUring.IORING_RSRC_REGISTER_SPARSE);
        register(operation, name, argument.address(), RSRC_REGISTER_BYTES);
    }

    private void bufferRing(
            int operation, String name, long address, int entries, int group, int flags) {
        argument.fill((byte) 0);
        argument.set(JAVA_LONG, BUF_REG_RING_ADDR, address);
        argument.set(JAVA_INT, BUF_REG_RING_ENTRIES, entries);
        argument.set(JAVA_SHORT, BUF_REG_BGID, (short) group);
        argument.set(JAVA_SHORT, BUF_REG_FLAGS, (short) flags);
        register(operation, name, argument.address(), 1);
    }

    private void register(int operation, String name, long address, int count) {
        int answer = call(operation, address, count);
        if (answer < 0) {
            throw refused(name, answer);
        }
    }

    private int call(int operation, long address, int count) {
        if (fd.isClosed()) {
            throw new IllegalStateException("the ring is closed");
        }
        int answer;
        do {
            answer =
                    (int)
                            Syscall.call(
                                    Syscall.Call.IO_URING_REGISTER,
                                    fd.number(),
                                    operation,
                                    address,
                                    count);
        } while (answer == Errno.EINTR.negated());
        return answer;
    }

    private LinuxException refused(String name, int answer) {
        return new LinuxException("io_uring_register(" + name + ")", fd.toString(), answer);
    }
}
