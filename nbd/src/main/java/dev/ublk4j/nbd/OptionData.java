package dev.ublk4j.nbd;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** The data of an option, whose lengths are whatever somebody has sent. */
final class OptionData {
    /** The protocol's limit for names and other strings. */
    static final int MAX_STRING = 4096;

    private final ByteBuffer data;

    OptionData(byte[] data) {
        this.data = ByteBuffer.wrap(data);
    }

    /** The data is not what the option wants. */
    static final class InvalidException extends Exception {
        private static final long serialVersionUID = 1L;

        InvalidException(String why) {
            super(why);
        }
    }

    int readShort() throws InvalidException {
        require(Short.BYTES);
        return Short.toUnsignedInt(data.getShort());
    }

    int readInt() throws InvalidException {
        require(Integer.BYTES);
        return data.getInt();
    }

    /** {@return a string with its length before it} */
    String readString() throws InvalidException {
        return readString(readInt());
    }

    /** {@return all that is left as a string} */
    String readRest() throws InvalidException {
        return readString(data.remaining());
    }

    private String readString(int bytes) throws InvalidException {
        if (bytes < 0 || bytes > MAX_STRING) {
            throw new InvalidException("a string of " + Integer.toUnsignedString(bytes) + " bytes");
        }
        require(bytes);
        byte[] text = new byte[bytes];
        data.get(text);
        try {
            CharBuffer decoded = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text));
            return decoded.toString();
        } catch (CharacterCodingException e) {
            throw new InvalidException("a string that is not UTF-8");
        }
    }

    private void require(int bytes) throws InvalidException {
        if (data.remaining() < bytes) {
            throw new InvalidException("too few bytes");
        }
    }

    void requireEnd() throws InvalidException {
        if (data.hasRemaining()) {
            throw new InvalidException("too many bytes");
        }
    }
}
