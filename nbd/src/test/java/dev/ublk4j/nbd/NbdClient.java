package dev.ublk4j.nbd;

import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.nbd.wire.Magic;
import dev.ublk4j.nbd.wire.Option;
import dev.ublk4j.nbd.wire.OptionReply;
import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A client that says what a test wants it to say, right or wrong. */
final class NbdClient implements AutoCloseable {
    final SocketChannel channel;
    private boolean extended;
    private boolean structured;
    private long cookies;

    /** An answer to an option. */
    record Reply(int option, int type, ByteBuffer data) {}

    /** A chunk, or a simple reply with {@code type} -1. */
    record Chunk(int type, int flags, long cookie, long offset, int error, ByteBuffer data) {}

    private NbdClient(SocketChannel channel) {
        this.channel = channel;
    }

    /** {@return a client that has heard the server's greeting and said nothing} */
    static NbdClient connect(Path socket) throws IOException {
        NbdClient client = new NbdClient(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
        ByteBuffer hello = client.read(18);
        if (hello.getLong() != Magic.SERVER || hello.getLong() != Magic.OPTION) {
            throw new IOException("no NBD server");
        }
        return client;
    }

    /** {@return a client that has greeted the server too} */
    static NbdClient greeted(Path socket) throws IOException {
        NbdClient client = connect(socket);
        client.write(ByteBuffer.allocate(4).putInt(3));
        return client;
    }

    /** {@return a client in transmission, with structured replies and block status} */
    static NbdClient inTransmission(Path socket) throws IOException {
        NbdClient client = greeted(socket);
        client.structured();
        client.setAllocation();
        client.go("");
        return client;
    }

    void structured() throws IOException {
        structured = true;
        expectAck(option(Option.STRUCTURED_REPLY, ByteBuffer.allocate(0)));
    }

    void extended() throws IOException {
        extended = true;
        expectAck(option(Option.EXTENDED_HEADERS, ByteBuffer.allocate(0)));
    }

    void setAllocation() throws IOException {
        List<Reply> replies = option(Option.SET_META_CONTEXT, query("", "base:allocation"));
        if (replies.size() != 2) {
            throw new IOException("no context: " + replies);
        }
    }

    void go(String name) throws IOException {
        List<Reply> replies = option(Option.GO, named(name).putShort((short) 0));
        expectAck(replies.subList(replies.size() - 1, replies.size()));
    }

    private static void expectAck(List<Reply> replies) throws IOException {
        if (replies.size() != 1 || replies.getFirst().type != OptionReply.ACK) {
            throw new IOException("no ACK: " + replies);
        }
    }

    /** {@return a name with its length, and room for more} */
    static ByteBuffer named(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(6 + bytes.length).putInt(bytes.length).put(bytes);
    }

    static ByteBuffer query(String name, String... queries) {
        ByteBuffer data = ByteBuffer.allocate(4096);
        data.put(named(name).flip()).putInt(queries.length);
        for (String query : queries) {
            data.put(named(query).flip());
        }
        return ByteBuffer.allocate(data.position()).put(data.flip());
    }

    /** {@return every answer to an option up to the last} */
    List<Reply> option(int option, ByteBuffer data) throws IOException {
        sendOption(option, data.flip());
        List<Reply> replies = new ArrayList<>();
        do {
            replies.add(reply());
        } while (replies.getLast().type > OptionReply.ACK);
        return replies;
    }

    void sendOption(int option, ByteBuffer data) throws IOException {
        write(message(option, data));
    }

    /** {@return an option, still to be flipped} */
    static ByteBuffer message(int option, ByteBuffer data) {
        ByteBuffer message = ByteBuffer.allocate(16 + data.remaining());
        return message.putLong(Magic.OPTION).putInt(option).putInt(data.remaining()).put(data);
    }

    Reply reply() throws IOException {
        ByteBuffer header = read(20);
        if (header.getLong() != Magic.OPTION_REPLY) {
            throw new IOException("no reply to an option");
        }
        return new Reply(header.getInt(), header.getInt(), read(header.getInt()));
    }

    /** Sends a request; answers its cookie. */
    long send(int command, int flags, long offset, long length, byte... payload)
            throws IOException {
        long cookie = ++cookies;
        int marked = extended && payload.length > 0 ? flags | Command.FLAG_PAYLOAD_LEN : flags;
        ByteBuffer message = ByteBuffer.allocate((extended ? 32 : 28) + payload.length);
        message.putInt(extended ? Magic.EXTENDED_REQUEST : Magic.REQUEST);
        message.putShort((short) marked).putShort((short) command);
        message.putLong(cookie).putLong(offset);
        if (extended) {
            message.putLong(length);
        } else {
            message.putInt((int) length);
        }
        write(message.put(payload));
        return cookie;
    }

    /** {@return the next reply; of a read that has worked without structure, with its data} */
    Chunk receive(int dataOfSimple) throws IOException {
        int magic = read(4).getInt();
        if (magic == Magic.SIMPLE_REPLY) {
            ByteBuffer rest = read(12);
            int error = rest.getInt();
            long cookie = rest.getLong();
            return new Chunk(-1, 0, cookie, 0, error, read(error == 0 ? dataOfSimple : 0));
        }
        ByteBuffer rest = read(extended ? 28 : 16);
        int flags = rest.getShort();
        int type = Short.toUnsignedInt(rest.getShort());
        long cookie = rest.getLong();
        long offset = extended ? rest.getLong() : -1;
        ByteBuffer data = read(extended ? (int) rest.getLong() : rest.getInt());
        int error = (type & 0x8000) != 0 ? data.getInt(0) : 0;
        return new Chunk(type, flags, cookie, offset, error, data);
    }

    /** {@return the error that a request is answered with} */
    int errorOf(int command, int flags, long offset, long length, byte... payload)
            throws IOException {
        long cookie = send(command, flags, offset, length, payload);
        Chunk chunk = receive(command == Command.READ ? (int) length : 0);
        if (chunk.cookie != cookie) {
            throw new IOException("a reply to another request: " + chunk);
        }
        return chunk.error;
    }

    void writeAt(long offset, byte... data) throws IOException {
        int error = errorOf(Command.WRITE, 0, offset, data.length, data);
        if (error != 0) {
            throw new IOException("write: " + error);
        }
    }

    byte[] readAt(long offset, int length) throws IOException {
        send(Command.READ, 0, offset, length);
        Chunk chunk = receive(length);
        if (chunk.error != 0) {
            throw new IOException("read: " + chunk.error);
        }
        byte[] data = new byte[length];
        chunk.data.position(structured || extended ? 8 : 0).get(data);
        return data;
    }

    /** {@return whether the server has ended the connection} */
    boolean isEnded() throws IOException {
        ByteBuffer ignored = ByteBuffer.allocate(1 << 16);
        try {
            while (channel.read(ignored.clear()) >= 0) {}
            return true;
        } catch (IOException e) {
            return "Connection reset".equals(e.getMessage());
        }
    }

    void write(ByteBuffer message) throws IOException {
        message.flip();
        while (message.hasRemaining()) {
            channel.write(message);
        }
    }

    ByteBuffer read(int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer) < 0) {
                throw new EOFException();
            }
        }
        return buffer.flip();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
