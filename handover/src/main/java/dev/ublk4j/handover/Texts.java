package dev.ublk4j.handover;

import dev.ublk4j.linux.Errno;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Names and texts within messages. */
final class Texts {
    private static final int ALIGNMENT = 8;

    private Texts() {}

    /**
     * Checks a name.
     *
     * @throws IllegalArgumentException when it is too long
     */
    static String checked(String name) {
        if (!fits(name)) {
            throw new IllegalArgumentException(
                    "a name of %d bytes, more than %d"
                            .formatted(bytes(name).length, Exchange.MAX_NAME_BYTES));
        }
        return name;
    }

    /** {@return whether a text is short enough for a name} */
    static boolean fits(String text) {
        return bytes(text).length <= Exchange.MAX_NAME_BYTES;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** {@return bytes that {@link #putName} takes, and the alignment that may follow} */
    static int roomFor(String name) {
        return Integer.BYTES + bytes(name).length + ALIGNMENT;
    }

    /** Puts the length of a name and the name. */
    static void putName(ByteBuffer out, String name) {
        byte[] bytes = bytes(name);
        out.putInt(bytes.length).put(bytes);
    }

    /**
     * {@return a name with its length before it}
     *
     * @throws HandoverException {@code EPROTO} when it is too long, {@code EINVAL} when it is not
     *     UTF-8
     */
    static String getName(ByteBuffer in) {
        int length = in.getInt();
        if (length < 0 || length > Exchange.MAX_NAME_BYTES || length > in.remaining()) {
            throw HandoverException.malformed("name of %d bytes".formatted(length));
        }
        ByteBuffer bytes = in.slice(in.position(), length);
        in.position(in.position() + length);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
        } catch (CharacterCodingException e) {
            throw new HandoverException(
                    "message", "name", Errno.EINVAL.negated(), "a name that is not UTF-8");
        }
    }

    /** Fills up to a multiple of 8 bytes. */
    static void align(ByteBuffer buffer) {
        while (buffer.position() % ALIGNMENT != 0) {
            buffer.put((byte) 0);
        }
    }

    /** Passes over what {@link #align} has filled. */
    static void skipToAligned(ByteBuffer buffer) {
        int next = (buffer.position() + ALIGNMENT - 1) & -ALIGNMENT;
        buffer.position(Math.min(next, buffer.limit()));
    }

    /** Puts as much of a text as there is room for. */
    static void putRest(ByteBuffer out, String text) {
        byte[] bytes = bytes(text);
        out.put(bytes, 0, Math.min(bytes.length, out.remaining()));
    }

    /** {@return all that is left, as a text} */
    static String getRest(ByteBuffer in) {
        byte[] bytes = new byte[in.remaining()];
        in.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
