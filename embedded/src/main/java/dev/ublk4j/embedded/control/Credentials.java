package dev.ublk4j.embedded.control;

import dev.ublk4j.linux.call.Syscall;

/**
 * Who sends control commands and opens devices, as far as a driver asks.
 *
 * @param uid user
 * @param gid group
 * @param privileged whether the caller has {@code CAP_SYS_ADMIN}
 */
public record Credentials(int uid, int gid, boolean privileged) {
    /** {@return the user and group of this process, with the privilege to do everything} */
    public static Credentials administrator() {
        return ofProcess(true);
    }

    /** {@return the user and group of this process, without a privilege} */
    public static Credentials unprivileged() {
        return ofProcess(false);
    }

    private static Credentials ofProcess(boolean privileged) {
        return new Credentials(
                (int) Syscall.call(Syscall.Call.GETUID, 0, 0, 0),
                (int) Syscall.call(Syscall.Call.GETGID, 0, 0, 0),
                privileged);
    }
}
