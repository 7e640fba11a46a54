package dev.ublk4j.nbd;

import dev.ublk4j.nbd.wire.ExportFlag;
import dev.ublk4j.nbd.wire.ExportInfo;
import dev.ublk4j.nbd.wire.Magic;
import dev.ublk4j.nbd.wire.Option;
import dev.ublk4j.nbd.wire.OptionReply;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** What a client and a server say to each other before the first request, on the client's side. */
final class ClientHandshake {
    private static final int MOST_REPLY_BYTES = 64 << 10;
    private static final int MOST_REPLIES = 64;
    private static final int OLD_PADDING = 124;
    private static final int MIN_MAX_BLOCK = 4096;

    private final HandshakeStream stream;
    private final NbdUri uri;

    ClientHandshake(HandshakeStream stream, NbdUri uri) {
        this.stream = stream;
        this.uri = uri;
    }

    /**
     * An export, as its server describes it.
     *
     * @param bytes its size
     * @param flags {@link ExportFlag}
     * @param smallestBlock what offsets and lengths are multiples of
     * @param largestPayload bytes of a read or a write
     */
    record Export(
            long bytes, int flags, boolean structured, int smallestBlock, int largestPayload) {
        boolean can(int flag) {
            return (flags & flag) != 0;
        }
    }

    /** A reply to an option. */
    private record Reply(int type, ByteBuffer data) {
        boolean isError() {
            return type < 0;
        }

        String text() {
            byte[] bytes = new byte[Math.min(data.remaining(), 256)];
            data.duplicate().get(bytes);
            return new String(bytes, StandardCharsets.UTF_8).replaceAll("\\p{Cntrl}", " ").strip();
        }
    }

    /**
     * Comes to an understanding.
     *
     * @throws NbdRefusedException when there is none
     * @throws IOException when the connection fails
     */
    Export run() throws IOException {
        ByteBuffer greeting = ByteBuffer.wrap(stream.read(2 * Long.BYTES + Short.BYTES));
        if (greeting.getLong() != Magic.SERVER) {
            throw refused("is no NBD server");
        }
        int serverFlags;
        if (greeting.getLong() != Magic.OPTION
                || ((serverFlags = greeting.getShort()) & Magic.FIXED_NEWSTYLE) == 0) {
            throw refused("speaks an old form of NBD, which is not supported");
        }
        boolean noZeroes = (serverFlags & Magic.NO_ZEROES) != 0;
        stream.write(
                ByteBuffer.allocate(Integer.BYTES)
                        .putInt(Magic.FIXED_NEWSTYLE | (noZeroes ? Magic.NO_ZEROES : 0))
                        .array());
        if (uri.tls()) {
            if (ask(Option.STARTTLS, new byte[0]).isError()) {
                throw refused("does not offer TLS");
            }
            stream.startTls();
        }
        boolean structured = !ask(Option.STRUCTURED_REPLY, new byte[0]).isError();
        byte[] name = uri.export().getBytes(StandardCharsets.UTF_8);
        return go(name, structured, noZeroes);
    }

    private Reply ask(int option, byte[] data) throws IOException {
        send(option, data);
        Reply reply = receive(option);
        if (!reply.isError() && reply.type != OptionReply.ACK) {
            throw refused("replies to %s with %d".formatted(Option.name(option), reply.type));
        }
        if (reply.type == OptionReply.ERR_TLS_REQD) {
            throw refused("requires TLS: nbds:// in place of nbd://");
        }
        return reply;
    }

    private void send(int option, byte[] data) throws IOException {
        stream.write(
                ByteBuffer.allocate(16 + data.length)
                        .putLong(Magic.OPTION)
                        .putInt(option)
                        .putInt(data.length)
                        .put(data)
                        .array());
    }

    private Reply receive(int option) throws IOException {
        ByteBuffer head = ByteBuffer.wrap(stream.read(20));
        if (head.getLong() != Magic.OPTION_REPLY || head.getInt() != option) {
            throw refused("replies to what it was not asked");
        }
        int type = head.getInt();
        int bytes = head.getInt();
        if (bytes < 0 || bytes > MOST_REPLY_BYTES) {
            throw refused("sends a reply of %s bytes".formatted(Integer.toUnsignedString(bytes)));
        }
        return new Reply(type, ByteBuffer.wrap(stream.read(bytes)));
    }

    private Export go(byte[] name, boolean structured, boolean noZeroes) throws IOException {
        send(
                Option.GO,
                ByteBuffer.allocate(8 + name.length)
                        .putInt(name.length)
                        .put(name)
                        .putShort((short) 1)
                        .putShort((short) ExportInfo.BLOCK_SIZE)
                        .array());
        long bytes = -1;
        int flags = 0;
        int smallest = 1;
        int largest = NbdExport.MAX_PAYLOAD;
        for (int i = 0; i < MOST_REPLIES; i++) {
            Reply reply = receive(Option.GO);
            ByteBuffer data = reply.data;
            if (reply.type == OptionReply.ERR_UNSUP) {
                return exportName(name, noZeroes, structured);
            }
            if (reply.isError()) {
                throw refused(why(reply));
            }
            if (reply.type == OptionReply.ACK) {
                if (bytes < 0) {
                    throw refused("does not say how large its export is");
                }
                return new Export(bytes, flags, structured, smallest, largest);
            }
            int info =
                    reply.type == OptionReply.INFO && data.remaining() >= 2 ? data.getShort() : -1;
            if (info == ExportInfo.EXPORT && data.remaining() == 10) {
                bytes = data.getLong();
                flags = Short.toUnsignedInt(data.getShort());
            } else if (info == ExportInfo.BLOCK_SIZE && data.remaining() == 12) {
                smallest = data.getInt();
                data.getInt();
                int most = data.getInt();
                largest = most < 0 ? largest : Math.min(most, largest);
                if (Integer.bitCount(smallest) != 1 || largest < MIN_MAX_BLOCK) {
                    throw refused(
                            "has blocks of %d bytes, and at most %d".formatted(smallest, largest));
                }
            }
        }
        throw refused("goes on and on about its export");
    }

    /** As servers take it that do not know how to refuse a name. */
    private Export exportName(byte[] name, boolean noZeroes, boolean structured)
            throws IOException {
        send(Option.EXPORT_NAME, name);
        ByteBuffer reply = ByteBuffer.wrap(stream.read(Long.BYTES + Short.BYTES));
        long bytes = reply.getLong();
        int flags = Short.toUnsignedInt(reply.getShort());
        if (!noZeroes) {
            byte[] _ = stream.read(OLD_PADDING);
        }
        return new Export(bytes, flags, structured, 1, NbdExport.MAX_PAYLOAD);
    }

    private String why(Reply reply) {
        String said = reply.text().isEmpty() ? "" : ": " + reply.text();
        return switch (reply.type) {
            case OptionReply.ERR_UNKNOWN -> "has no export '%s'%s".formatted(uri.export(), said);
            case OptionReply.ERR_TLS_REQD -> "requires TLS: nbds:// in place of nbd://";
            case OptionReply.ERR_POLICY -> "does not let this client in" + said;
            default -> "refuses the export '%s'%s".formatted(uri.export(), said);
        };
    }

    private NbdRefusedException refused(String why) {
        return new NbdRefusedException(uri + " " + why);
    }

    /** {@return the TLS of a client, or none} */
    static Tls tls(NbdUri uri, @Nullable SSLContext context) throws IOException {
        if (!uri.tls()) {
            return Tls.off();
        }
        if (context == null) {
            throw new NbdRefusedException(
                    uri + " needs certificates to trust, or a pre-shared key");
        }
        String host = uri.host();
        return Tls.ofClient(context, host == null ? "" : host);
    }
}
