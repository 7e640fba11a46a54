package dev.ublk4j.nbd.wire;

import dev.ublk4j.linux.Errno;

/** Error numbers that the protocol knows; others have to be told as one of these. */
public final class NbdErrno {
    private NbdErrno() {}

    /**
     * {@return what a client is told of a result}
     *
     * @param result not negative for success, else a negative errno of Linux
     */
    public static int of(long result) {
        if (result >= 0) {
            return 0;
        }
        return switch (Errno.of((int) result)) {
            case EPERM, EROFS -> Errno.EPERM.number();
            case ENOMEM -> Errno.ENOMEM.number();
            case EINVAL -> Errno.EINVAL.number();
            case ENOSPC, EFBIG -> Errno.ENOSPC.number();
            case EOVERFLOW -> Errno.EOVERFLOW.number();
            case EOPNOTSUPP -> Errno.EOPNOTSUPP.number();
            case ESHUTDOWN -> Errno.ESHUTDOWN.number();
            default -> Errno.EIO.number();
        };
    }
}
