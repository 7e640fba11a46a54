package dev.ublk4j.handover;

import dev.ublk4j.linux.Errno;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** What an application asks a server for; {@link Exchange} has the bytes. */
public sealed interface Request {
    /** {@return the number of its type} */
    int type();

    /** Writes what follows the header. */
    void put(ByteBuffer out);

    /** {@return whether a descriptor must come with it} */
    default boolean hasDescriptor() {
        return false;
    }

    /**
     * {@return the request of a message}
     *
     * @param in what follows the header
     * @throws HandoverException {@code EOPNOTSUPP} for a type that is not known, {@code EPROTO} for
     *     bytes that make no sense, {@code EINVAL} for a name that is not UTF-8
     */
    static Request get(int type, ByteBuffer in) {
        try {
            Request request =
                    switch (type) {
                        case Register.TYPE ->
                                new Register(
                                        in.getLong(), in.getLong(), in.getInt(), Texts.getName(in));
                        case Unregister.TYPE -> new Unregister(in.getInt());
                        case ListBuffers.TYPE -> new ListBuffers(in.getInt());
                        case Stat.TYPE -> new Stat();
                        case Claim.TYPE -> new Claim(in.getInt(), Texts.getName(in));
                        default -> throw unknown(type);
                    };
            if (in.hasRemaining()) {
                throw HandoverException.malformed(
                        "request %d, %d bytes too long".formatted(type, in.remaining()));
            }
            return request;
        } catch (BufferUnderflowException e) {
            throw HandoverException.malformed("request %d, too short".formatted(type));
        }
    }

    private static HandoverException unknown(int type) {
        return new HandoverException(
                "request",
                Integer.toString(type),
                Errno.EOPNOTSUPP.negated(),
                "this server does not know request " + type);
    }

    /**
     * Share memory with the device.
     *
     * @param offset first byte
     * @param length bytes, 0 for all up to the end of the file
     * @param flags {@link Exchange#READ_ONLY}, {@link Exchange#KEEP}, {@link Exchange#TRUSTED}
     * @param name for people, and to claim it by
     */
    record Register(long offset, long length, int flags, String name) implements Request {
        static final int TYPE = 1;

        /** Checks the name's length. */
        public Register {
            Texts.checked(name);
        }

        /**
         * {@return the request to share a file for as long as the device is, on the word of whoever
         * asks that nobody cuts it off}
         *
         * @param file names the buffer; its descriptor must come with the request
         */
        public static Register ofFile(Path file, boolean readOnly) {
            int flags = Exchange.KEEP | Exchange.TRUSTED | (readOnly ? Exchange.READ_ONLY : 0);
            Path path = file.toAbsolutePath().normalize();
            // A path may be longer than a name, but a file's own name is not.
            Path name = Texts.fits(path.toString()) ? path : path.getFileName();
            return new Register(0, 0, flags, String.valueOf(name));
        }

        @Override
        public int type() {
            return TYPE;
        }

        @Override
        public boolean hasDescriptor() {
            return true;
        }

        @Override
        public void put(ByteBuffer out) {
            out.putLong(offset).putLong(length).putInt(flags);
            Texts.putName(out, name);
        }
    }

    /**
     * Take a buffer back.
     *
     * @param index the driver's
     */
    record Unregister(int index) implements Request {
        static final int TYPE = 2;

        @Override
        public int type() {
            return TYPE;
        }

        @Override
        public void put(ByteBuffer out) {
            out.putInt(index);
        }
    }

    /**
     * Tell of the buffers that there are.
     *
     * @param first lowest index of interest
     */
    record ListBuffers(int first) implements Request {
        static final int TYPE = 3;

        @Override
        public int type() {
            return TYPE;
        }

        @Override
        public void put(ByteBuffer out) {
            out.putInt(first);
        }
    }

    /** Tell what the device has done. */
    record Stat() implements Request {
        static final int TYPE = 4;

        @Override
        public int type() {
            return TYPE;
        }

        @Override
        public void put(ByteBuffer out) {}
    }

    /**
     * Make a buffer that belongs to the device this connection's.
     *
     * @param index the driver's, {@link Exchange#NO_INDEX} when the name tells
     * @param name its name, which counts only without an index
     */
    record Claim(int index, String name) implements Request {
        static final int TYPE = 5;

        /** Checks the name's length. */
        public Claim {
            Texts.checked(name);
        }

        @Override
        public int type() {
            return TYPE;
        }

        @Override
        public boolean hasDescriptor() {
            return true;
        }

        @Override
        public void put(ByteBuffer out) {
            out.putInt(index);
            Texts.putName(out, name);
        }
    }
}
