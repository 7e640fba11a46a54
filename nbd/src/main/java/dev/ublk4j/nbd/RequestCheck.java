package dev.ublk4j.nbd;

import dev.ublk4j.embedded.Disk;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.nbd.wire.ReplyHeader;
import dev.ublk4j.nbd.wire.RequestHeader;

/** Whether a request can be meant. Its numbers are whatever somebody has sent. */
final class RequestCheck {
    /** Every command takes it, also those to which it means nothing. */
    private static final int ANY = Command.FLAG_FUA;

    private final NbdExport export;
    private final Disk disk;
    private final ReplyHeader replies;
    private final boolean hasStatus;

    RequestCheck(Negotiated chosen) {
        this.export = chosen.export();
        this.disk = export.disk();
        this.replies = chosen.replies();
        this.hasStatus = !chosen.contexts().isEmpty();
    }

    /** {@return 0, or the negative errno that the client is told} */
    int check(RequestHeader request) {
        if ((request.flags() & ~allowedFlags(request.command())) != 0) {
            return Errno.EINVAL.negated();
        }
        return switch (request.command()) {
            case Command.READ -> {
                int range = range(request, Errno.EINVAL);
                boolean isTooLong =
                        Long.compareUnsigned(request.length(), NbdExport.MAX_PAYLOAD) > 0;
                yield range == 0 && isTooLong
                        ? (replies == ReplyHeader.SIMPLE ? Errno.EINVAL : Errno.EOVERFLOW).negated()
                        : range;
            }
            case Command.WRITE, Command.WRITE_ZEROES ->
                    disk.isReadOnly() ? Errno.EPERM.negated() : range(request, Errno.ENOSPC);
            case Command.TRIM ->
                    disk.isReadOnly() ? Errno.EPERM.negated() : range(request, Errno.EINVAL);
            case Command.FLUSH -> 0;
            case Command.BLOCK_STATUS ->
                    hasStatus ? range(request, Errno.EINVAL) : Errno.EINVAL.negated();
            default -> Errno.EINVAL.negated();
        };
    }

    private int allowedFlags(int command) {
        int payload = replies == ReplyHeader.EXTENDED ? Command.FLAG_PAYLOAD_LEN : 0;
        return switch (command) {
            case Command.READ -> ANY | (replies == ReplyHeader.SIMPLE ? 0 : Command.FLAG_DF);
            case Command.WRITE -> ANY | payload;
            case Command.WRITE_ZEROES -> ANY | Command.FLAG_NO_HOLE | Command.FLAG_FAST_ZERO;
            case Command.BLOCK_STATUS -> ANY | Command.FLAG_REQ_ONE;
            default -> ANY;
        };
    }

    /** The sum of offset and length may not be made before both are known to be small. */
    private int range(RequestHeader request, Errno beyond) {
        long size = export.size();
        if (request.length() == 0) {
            return Errno.EINVAL.negated();
        }
        boolean fits =
                Long.compareUnsigned(request.offset(), size) <= 0
                        && Long.compareUnsigned(request.length(), size - request.offset()) <= 0;
        return fits ? 0 : beyond.negated();
    }
}
