package dev.ublk4j.handover;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The header of a message.
 *
 * @param length bytes of the whole message
 * @param type the number of a {@link Request}'s type
 * @param sequence which request it is, or replies to
 * @param status 0, or why a request was refused: a negative errno
 */
public record Frame(int length, int type, int sequence, int status) {
    /**
     * {@return the header at the beginning of a message}
     *
     * @throws HandoverException when the length makes no sense
     */
    public static Frame get(ByteBuffer in) {
        Frame frame = new Frame(in.getInt(), in.getInt(), in.getInt(), in.getInt());
        if (frame.length < Exchange.HEADER_BYTES || frame.length > Exchange.MAX_MESSAGE_BYTES) {
            throw HandoverException.malformed(
                    "message of %s bytes".formatted(Integer.toUnsignedString(frame.length)));
        }
        return frame;
    }

    /** Writes a whole message, and makes the buffer ready to be sent. */
    public static void put(
            ByteBuffer out, int type, int sequence, int status, Consumer<ByteBuffer> content) {
        out.clear();
        out.position(Exchange.HEADER_BYTES);
        content.accept(out);
        out.flip();
        out.putInt(0, out.limit());
        out.putInt(4, type);
        out.putInt(8, sequence);
        out.putInt(12, status);
    }

    /** Writes the reply to this request. */
    public void answer(ByteBuffer out, Consumer<ByteBuffer> content) {
        put(out, type, sequence, 0, content);
    }

    /**
     * Writes the reply that refuses this request.
     *
     * @param negated a negative errno
     * @param text why, for a person
     */
    public void refuse(ByteBuffer out, int negated, String text) {
        put(out, type, sequence, negated, content -> Texts.putRest(content, text));
    }

    /** Writes what follows the header of the reply to {@link Request.Stat}. */
    public static void putCounters(ByteBuffer out, Map<String, Long> counters) {
        out.putInt(counters.size()).putInt(0);
        counters.forEach((name, value) -> {
            out.putLong(value).putInt(0);
            Texts.putName(out, name);
            Texts.align(out);
        });
    }
}
