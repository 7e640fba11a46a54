package dev.ublk4j.embedded.control;

import dev.ublk4j.embedded.device.DeviceTable;
import dev.ublk4j.embedded.device.UblkDevice;
import dev.ublk4j.embedded.features.DeviceDescription;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.internal.UserMemory;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whether a caller may send a command to a device.
 *
 * <p>An unprivileged device asks for the path of its char device at the start of the payload, and
 * for the right to read it, or to read and write it. The char device here is a name without a file:
 * {@code /dev/ublkcN}, which its owner may read and write, and nobody else without a privilege.
 */
public final class Permission {
    private static final int PATH_MAX = 4096;
    private static final Pattern CHAR_DEVICE = Pattern.compile("/dev/ublkc(0|[1-9][0-9]{0,8})");

    private Permission() {}

    /**
     * Checks a command, and takes the path off its payload.
     *
     * @return 0, or a negative errno
     */
    static int check(
            DeviceTable table,
            UblkDevice device,
            int number,
            ControlHeader header,
            Credentials caller) {
        if (!device.description().has(Feature.UBLK_F_UNPRIVILEGED_DEV)) {
            if (!caller.privileged()) {
                return Errno.EPERM.negated();
            }
            if (number != ControlCommand.UBLK_CMD_GET_DEV_INFO2) {
                return 0;
            }
        }
        if (header.pathLength() == 0 || header.pathLength() > PATH_MAX) {
            return Errno.EINVAL.negated();
        }
        if (header.length() < header.pathLength()) {
            return Errno.EINVAL.negated();
        }
        byte[] path = new byte[header.pathLength()];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(path.length);
            int answer = UserMemory.read(header.address(), copy);
            if (answer < 0) {
                return answer;
            }
            MemorySegment.ofArray(path).copyFrom(copy);
        }
        if (!isKnown(number)) {
            return Errno.EINVAL.negated();
        }
        int answer = checkPath(table, device, text(path), caller);
        if (answer == 0) {
            header.skipPath();
        }
        return answer;
    }

    /** The commands with a rule; all others are refused. Reading and writing go together here. */
    private static boolean isKnown(int number) {
        return switch (number) {
            case 0x01, 0x02, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09 -> true;
            case 0x10, 0x11, 0x12, 0x13, 0x15, 0x16, 0x17, 0x18, 0x19 -> true;
            default -> false;
        };
    }

    private static String text(byte[] path) {
        int length = 0;
        while (length < path.length && path[length] != 0) {
            length++;
        }
        return new String(path, 0, length, StandardCharsets.UTF_8);
    }

    private static int checkPath(
            DeviceTable table, UblkDevice device, String path, Credentials caller) {
        Matcher matcher = CHAR_DEVICE.matcher(path);
        if (!matcher.matches()) {
            return exists(path) ? Errno.EPERM.negated() : Errno.ENOENT.negated();
        }
        int number = Integer.parseInt(matcher.group(1));
        if (!table.hasCharDevice(number)) {
            return Errno.ENOENT.negated();
        }
        if (number != device.id()) {
            return Errno.EPERM.negated();
        }
        return mayUse(device, caller) ? 0 : Errno.EACCES.negated();
    }

    /** {@return whether a caller may read and write the char device} */
    public static boolean mayUse(UblkDevice device, Credentials caller) {
        return caller.privileged()
                || (device.description().has(Feature.UBLK_F_UNPRIVILEGED_DEV)
                        && caller.uid() == device.description().ownerUid());
    }

    /** {@return 0 where a caller may open the disk, or a negative errno} */
    public static int toOpenDisk(UblkDevice device, Credentials caller) {
        if (caller.privileged()) {
            return 0;
        }
        DeviceDescription description = device.description();
        if (!description.has(Feature.UBLK_F_UNPRIVILEGED_DEV)) {
            return Errno.EACCES.negated();
        }
        if (caller.uid() != description.ownerUid() || caller.gid() != description.ownerGid()) {
            return Errno.EPERM.negated();
        }
        return device.life().refusesOpeners() ? Errno.ENXIO.negated() : 0;
    }

    private static boolean exists(String path) {
        try {
            return Files.exists(Path.of(path));
        } catch (InvalidPathException e) {
            return false;
        }
    }
}
