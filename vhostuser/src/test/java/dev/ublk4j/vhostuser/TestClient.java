package dev.ublk4j.vhostuser;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.linux.socket.UnixSocket;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A vhost-user client, as a guest's machine would be one: it knows the protocol from its
 * description, not from the classes that are tested.
 */
final class TestClient implements AutoCloseable {
    static final long GUEST = 0x1000_0000L;
    static final long USER = 0x7000_0000_0000L;
    static final int MEMORY_BYTES = 4 << 20;

    static final int GET_FEATURES = 1;
    static final int SET_FEATURES = 2;
    static final int SET_OWNER = 3;
    static final int SET_MEM_TABLE = 5;
    static final int SET_VRING_NUM = 8;
    static final int SET_VRING_ADDR = 9;
    static final int SET_VRING_BASE = 10;
    static final int GET_VRING_BASE = 11;
    static final int SET_VRING_KICK = 12;
    static final int SET_VRING_CALL = 13;
    static final int GET_PROTOCOL_FEATURES = 15;
    static final int SET_PROTOCOL_FEATURES = 16;
    static final int GET_QUEUE_NUM = 17;
    static final int SET_VRING_ENABLE = 18;
    static final int SET_BACKEND_REQ_FD = 21;
    static final int GET_CONFIG = 24;
    static final int SET_CONFIG = 25;
    static final int GET_INFLIGHT_FD = 31;
    static final int SET_INFLIGHT_FD = 32;
    static final int GET_MAX_MEM_SLOTS = 36;
    static final int ADD_MEM_REG = 37;
    static final int REM_MEM_REG = 38;

    static final long ANY_LAYOUT = 1L << 27;
    static final long INDIRECT = 1L << 28;
    static final long EVENT_INDEX = 1L << 29;
    static final long PROTOCOL_FEATURES = 1L << 30;
    static final long VERSION_1 = 1L << 32;
    static final long RING_PACKED = 1L << 34;

    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final int HEADER = 12;

    private final UnixSocket socket;
    private final RingFormat format;
    private final Arena arena = Arena.ofShared();
    private final SharedMemory file = SharedMemory.create("test-client", MEMORY_BYTES);
    private final MemorySegment memory = file.map(arena, false);
    private final List<EventFd> events = new ArrayList<>();
    private final List<Fd> received = new ArrayList<>();
    private final MemorySegment buffer = arena.allocate(8192, 8);

    private TestClient(UnixSocket socket, RingFormat format) {
        this.socket = socket;
        this.format = format;
    }

    static TestClient negotiated(Path path) {
        return negotiated(path, RingFormat.SPLIT);
    }

    /** Connects, and says nothing. */
    static TestClient connected(Path path) {
        return new TestClient(UnixSocket.connect(path, PATIENCE), RingFormat.SPLIT);
    }

    /** Connects and agrees on everything that is offered and goes with such rings. */
    static TestClient negotiated(Path path, RingFormat format) {
        return negotiated(path, format, 0);
    }

    /** The same, without some features. */
    static TestClient negotiated(Path path, RingFormat format, long without) {
        TestClient client = new TestClient(UnixSocket.connect(path, PATIENCE), format);
        long features = client.ask(GET_FEATURES, payload()).getLong();
        long protocol = client.ask(GET_PROTOCOL_FEATURES, payload()).getLong();
        client.tell(SET_PROTOCOL_FEATURES, payload(protocol));
        client.tell(SET_OWNER, payload());
        assertThat(features & RING_PACKED).as("VIRTIO_F_RING_PACKED").isNotZero();
        client.tell(
                SET_FEATURES,
                payload(
                        (format == RingFormat.PACKED ? features : features & ~RING_PACKED)
                                & ~without));
        return client;
    }

    static TestClient withMemory(Path path) {
        return withMemory(path, RingFormat.SPLIT);
    }

    /** The same, with its memory shared. */
    static TestClient withMemory(Path path, RingFormat format) {
        return withMemory(path, format, 0);
    }

    /** The same, without some features. */
    static TestClient withMemory(Path path, RingFormat format, long without) {
        TestClient client = negotiated(path, format, without);
        client.tell(ADD_MEM_REG, region(GUEST, MEMORY_BYTES, USER, 0), client.file.fd());
        return client;
    }

    static ByteBuffer payload(long... values) {
        ByteBuffer bytes = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);
        for (long value : values) {
            bytes.putLong(value);
        }
        return bytes.flip();
    }

    static ByteBuffer pair(int index, int value) {
        return payload(Integer.toUnsignedLong(index) | (long) value << 32);
    }

    static ByteBuffer region(long guest, long bytes, long user, long offset) {
        return payload(0, guest, bytes, user, offset);
    }

    RingFormat format() {
        return format;
    }

    SharedMemory file() {
        return file;
    }

    MemorySegment memory() {
        return memory;
    }

    EventFd event() {
        EventFd event = EventFd.nonBlocking();
        events.add(event);
        return event;
    }

    void send(int code, int flags, int size, ByteBuffer payload, Fd... fds) {
        ByteBuffer bytes = buffer.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(code).putInt(flags).putInt(size).put(payload);
        assertThat(socket.send(buffer.asSlice(0, bytes.position()), fds))
                .isEqualTo(bytes.position());
    }

    void send(int code, ByteBuffer payload, Fd... fds) {
        send(code, 1, payload.remaining(), payload, fds);
    }

    /** Sends a message and reads the answer that it always has. */
    ByteBuffer ask(int code, ByteBuffer payload, Fd... fds) {
        send(code, payload, fds);
        return answer(code);
    }

    /** Sends a message, asks for an acknowledgement and answers with it. */
    long acknowledged(int code, ByteBuffer payload, Fd... fds) {
        send(code, 1 | 1 << 3, payload.remaining(), payload, fds);
        return answer(code).getLong();
    }

    /** Sends a message that has to be accepted; before acknowledgements are agreed on, hopes so. */
    void tell(int code, ByteBuffer payload, Fd... fds) {
        if (code == SET_PROTOCOL_FEATURES) {
            send(code, payload, fds);
        } else {
            assertThat(acknowledged(code, payload, fds)).as("reply to %d", code).isZero();
        }
    }

    private ByteBuffer answer(int code) {
        readFully(0, HEADER);
        ByteBuffer bytes = buffer.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        assertThat(bytes.getInt()).isEqualTo(code);
        assertThat(bytes.getInt()).isEqualTo(1 | 1 << 2);
        int size = bytes.getInt();
        readFully(HEADER, size);
        ByteBuffer copy = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        copy.put(bytes.slice(HEADER, size));
        return copy.flip();
    }

    private void readFully(int from, int bytes) {
        for (int done = 0; done < bytes; ) {
            assertThat(awaitInput()).as("an answer").isTrue();
            UnixSocket.Received got = socket.receive(buffer.asSlice(from + done, bytes - done), 8);
            received.addAll(got.descriptors());
            assertThat(got.answer()).as("bytes, or 0 at the end").isPositive();
            done += (int) got.answer();
        }
    }

    private boolean awaitInput() {
        try (Poll poll = new Poll(socket.fd())) {
            return poll.await(PATIENCE);
        }
    }

    /** The descriptor that came with the last answer. */
    Fd takeReceived() {
        return received.removeFirst();
    }

    /** Whether the device closes the connection, whatever it says before. */
    boolean isDropped() {
        while (awaitInput()) {
            UnixSocket.Received got = socket.receive(buffer, 8);
            if (got.answer() <= 0) {
                return true;
            }
        }
        return false;
    }

    /** Closes the connection and nothing else: what a killed client leaves to the device. */
    void hangUp() {
        socket.close();
    }

    @Override
    public void close() {
        hangUp();
        received.forEach(Fd::close);
        events.forEach(EventFd::close);
        file.close();
        arena.close();
    }
}
