package dev.ublk4j.vhostuser;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.socket.UnixSocket;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.sharedmemory.Seal;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.targets.NullTarget;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;

/** Whatever a client says, its session goes on or ends, and the queue goes on. */
@Timeout(value = 6, unit = TimeUnit.MINUTES) // when it fuzzes, which is for five by default
final class SessionFuzzTest {
    private static final int HEADER_BYTES = 12;
    private static final int MOST_BYTES = 256;

    /** Nobody takes the answers; the session waits a while when there is no room for more. */
    private static final int MOST_MESSAGES = 64;

    private static final MemorySegment SECTOR = Arena.global().allocate(512, 512);

    /** The kind that is written into memory. */
    private static final byte IN_MEMORY = 4;

    private static ServedDisk disk;

    @BeforeAll
    static void serve() {
        VhostUserOptions options =
                VhostUserOptions.at(Path.of("unused")).withLongestPoll(Duration.ZERO);
        disk =
                VhostUserExport.served(
                        VhostUserExport.startDevice(
                                new NullTarget(1 << 20), DeviceOptions.defaults(), options),
                        options);
    }

    @AfterAll
    static void stop() {
        disk.exported().close();
    }

    /**
     * Takes bytes as messages, each of code, flags, kind and length, a byte each, and so many bytes
     * of payload. The kind's lowest bits say what descriptors there are, the highest how much
     * longer or shorter the message says to be than it is. One kind is not sent, but written into
     * the memory that is shared.
     */
    @FuzzTest
    void aClientMaySayAnything(byte[] data) {
        List<UnixSocket> ends = UnixSocket.pair();
        try (UnixSocket client = ends.get(0);
                Session session =
                        new Session(ends.get(1), disk, VhostUserOptions.at(Path.of("unused")));
                SharedMemory memory = SharedMemory.create("fuzz", 1 << 16);
                EventFd event = EventFd.nonBlocking();
                Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(HEADER_BYTES + MOST_BYTES);
            ByteBuffer in = ByteBuffer.wrap(data);
            // As the device makes the memory of requests in flight, so that this can be such.
            memory.seal(Seal.SHRINK);
            MemorySegment shared = memory.map(arena, false);
            event.signal();
            int messages = 0;
            while (in.remaining() >= 4 && messages < MOST_MESSAGES) {
                if (in.get(in.position() + 2) == IN_MEMORY) {
                    write(shared, in);
                } else {
                    send(client, buffer, in, memory.fd(), event.fd());
                    messages++;
                }
            }
            client.endOutput();
            session.run();
        }
        assertThat(disk.disk().read(SECTOR, 0)).as("the queue goes on").isEqualTo(512);
    }

    /** Writes to where the first two bytes say. */
    private static void write(MemorySegment memory, ByteBuffer in) {
        in.position(in.position() + 3);
        int length = Math.min(in.get() & 0xff, in.remaining());
        ByteBuffer bytes = in.slice(in.position(), length).order(ByteOrder.LITTLE_ENDIAN);
        in.position(in.position() + length);
        if (length > 2) {
            int offset = bytes.getShort() & 0xffff;
            int some = (int) Math.min(length - 2, memory.byteSize() - offset);
            MemorySegment.copy(MemorySegment.ofBuffer(bytes), 0, memory, offset, some);
        }
    }

    private static void send(
            UnixSocket client, MemorySegment buffer, ByteBuffer in, Fd memory, Fd event) {
        int code = in.get() & 0xff;
        int flags = in.get() & 0xff;
        int kind = in.get();
        int length = Math.min(in.get() & 0xff, in.remaining());
        ByteBuffer message = buffer.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        message.putInt(code).putInt(flags).putInt(length + (kind >> 3) * 256);
        message.put(in.slice(in.position(), length));
        in.position(in.position() + length);
        Fd[] passed =
                switch (kind & 3) {
                    case 1 -> new Fd[] {memory};
                    case 2 -> new Fd[] {event};
                    case 3 -> new Fd[] {memory, event};
                    default -> new Fd[0];
                };
        // What finds no room is lost, which is as good a stream as any.
        client.send(buffer.asSlice(0, message.position()), passed);
    }
}
