package dev.ublk4j.linux.call;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Names of files as the kernel is given them. */
public final class FileName {
    /** The JDK's own for names: what it has made a text of becomes the same bytes again. */
    private static final Charset ENCODING =
            Charset.forName(
                    System.getProperty("sun.jnu.encoding", "UTF-8"), StandardCharsets.UTF_8);

    private FileName() {}

    /** {@return the bytes of a name, without a zero at the end} */
    public static byte[] bytes(String name) {
        return name.getBytes(ENCODING);
    }

    /** {@return the bytes of a name, and a zero at the end} */
    public static byte[] terminated(String name) {
        byte[] bytes = bytes(name);
        return Arrays.copyOf(bytes, bytes.length + 1);
    }

    /** {@return the name that the first {@code count} of these bytes are} */
    public static String text(byte[] bytes, int count) {
        return new String(bytes, 0, count, ENCODING);
    }
}
