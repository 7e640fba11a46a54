package dev.ublk4j.guest;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The last of what a program prints. Any thread. */
final class Tail {
    private static final int MOST = 16 * 1024;
    private static final int READ_AT_ONCE = 4096;

    private byte[] bytes = new byte[0];

    synchronized void add(byte[] more, int length) {
        byte[] all = Arrays.copyOf(bytes, bytes.length + length);
        System.arraycopy(more, 0, all, bytes.length, length);
        bytes = Arrays.copyOfRange(all, Math.max(0, all.length - MOST), all.length);
    }

    /** Takes all that a program prints, until it has ended. */
    void follow(InputStream printed) {
        byte[] some = new byte[READ_AT_ONCE];
        try (printed) {
            for (int length = printed.read(some); length >= 0; length = printed.read(some)) {
                add(some, length);
            }
        } catch (IOException _) {
            // The program has ended, and its pipe with it.
        }
    }

    /** {@return the text, without what a terminal would do with it} */
    @Override
    public synchronized String toString() {
        return new String(bytes, StandardCharsets.UTF_8)
                .replaceAll("\033\\[[0-9;]*m", "")
                .replace("\r", "")
                .strip();
    }
}
