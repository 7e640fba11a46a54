package dev.ublk4j.rbd;

import dev.ublk4j.linux.Errno;

/** The words for an error that Ceph's programs use, those of the C library. */
final class Strerror {
    private static final int ESHUTDOWN = 108;

    private Strerror() {}

    /**
     * {@return the words}
     *
     * @param number positive
     */
    static String of(int number) {
        if (number == ESHUTDOWN) {
            // What a client is told that the cluster has shut out, as one that took its lock did.
            return "Cannot send after transport endpoint shutdown: this client is on the blocklist";
        }
        String text = NativeFunction.STRERROR.textOf(number);
        return text.isEmpty() ? Errno.of(number).text() : text;
    }
}
