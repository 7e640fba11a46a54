package dev.ublk4j.uring;

import org.jspecify.annotations.Nullable;

/**
 * The operations of {@code enum io_uring_op}, in its order: an ordinal is the number in an entry.
 *
 * <p>Not all have a method in {@link Ring}; {@link RingFeatures} says which ones the kernel knows.
 */
public enum Opcode {
    NOP,
    READV,
    WRITEV,
    FSYNC,
    READ_FIXED,
    WRITE_FIXED,
    POLL_ADD,
    POLL_REMOVE,
    SYNC_FILE_RANGE,
    SENDMSG,
    RECVMSG,
    TIMEOUT,
    TIMEOUT_REMOVE,
    ACCEPT,
    ASYNC_CANCEL,
    LINK_TIMEOUT,
    CONNECT,
    FALLOCATE,
    OPENAT,
    CLOSE,
    FILES_UPDATE,
    STATX,
    READ,
    WRITE,
    FADVISE,
    MADVISE,
    SEND,
    RECV,
    OPENAT2,
    EPOLL_CTL,
    SPLICE,
    PROVIDE_BUFFERS,
    REMOVE_BUFFERS,
    TEE,
    SHUTDOWN,
    RENAMEAT,
    UNLINKAT,
    MKDIRAT,
    SYMLINKAT,
    LINKAT,
    MSG_RING,
    FSETXATTR,
    SETXATTR,
    FGETXATTR,
    GETXATTR,
    SOCKET,
    URING_CMD,
    SEND_ZC,
    SENDMSG_ZC,
    READ_MULTISHOT,
    WAITID,
    FUTEX_WAIT,
    FUTEX_WAKE,
    FUTEX_WAITV,
    FIXED_FD_INSTALL,
    FTRUNCATE,
    BIND,
    LISTEN,
    RECV_ZC,
    EPOLL_WAIT,
    READV_FIXED,
    WRITEV_FIXED,
    PIPE,
    NOP128,
    URING_CMD128;

    private static final Opcode[] VALUES = values();

    /** {@return the number in a submission entry} */
    @SuppressWarnings("EnumOrdinal") // the kernel's enum has the same order, and a test compares
    public int code() {
        return ordinal();
    }

    /** {@return the operation of a number, or null for one that is not in this list} */
    public static @Nullable Opcode ofOrNull(int code) {
        return code >= 0 && code < VALUES.length ? VALUES[code] : null;
    }

    /** {@return the name of a number, the number itself where it has none} */
    static String nameOf(int code) {
        Opcode opcode = ofOrNull(code);
        return opcode == null ? "op " + code : opcode.name();
    }
}
