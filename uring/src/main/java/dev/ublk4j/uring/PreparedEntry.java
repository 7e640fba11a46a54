package dev.ublk4j.uring;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * An entry that has been prepared on a ring and not been handed to the kernel: for whoever inspects
 * what others prepare, or changes it on its way.
 *
 * <p>It is valid until the next submission, and for the thread that prepares.
 */
public final class PreparedEntry {
    private final MemorySegment sqes;
    private final long base;

    PreparedEntry(MemorySegment sqes, long base) {
        this.sqes = sqes;
        this.base = base;
    }

    /** {@return the operation, or null where its number has no name} */
    public @Nullable Opcode opcode() {
        return Opcode.ofOrNull(Sqe.opcode(sqes, base));
    }

    /** {@return the {@code IOSQE_...} flags} */
    public int flags() {
        return Sqe.flags(sqes, base);
    }

    /** {@return {@code sqe->off}} */
    public long offset() {
        return Sqe.offset(sqes, base);
    }

    /** {@return {@code sqe->addr}} */
    public long address() {
        return Sqe.address(sqes, base);
    }

    /** Changes {@code sqe->addr}. */
    public void setAddress(long address) {
        Sqe.address(sqes, base, address);
    }

    /** {@return {@code sqe->len}} */
    public int length() {
        return Sqe.length(sqes, base);
    }

    /** Changes {@code sqe->len}. */
    public void setLength(int length) {
        Sqe.length(sqes, base, length);
    }

    /** {@return {@code sqe->user_data}} */
    public long userData() {
        return Sqe.userData(sqes, base);
    }

    /** Changes {@code sqe->user_data}. */
    public void setUserData(long userData) {
        Sqe.userData(sqes, base, userData);
    }

    /** Changes {@code sqe->fd}. */
    public void setFd(int fd) {
        Sqe.fd(sqes, base, fd);
    }

    @Override
    public String toString() {
        return Sqe.describe(sqes, base);
    }
}
