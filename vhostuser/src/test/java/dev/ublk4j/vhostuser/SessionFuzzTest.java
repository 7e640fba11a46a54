package dev.ublk4j.vhostuser;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.UnixSocket;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.targets.NullTarget;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.vhostuser.blk.BlkDevice;
import dev.ublk4j.vhostuser.blk.BlkQueue;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;

/** Whatever a client says, its session goes on or ends, and the next client is served. */
@Timeout(value = 6, unit = TimeUnit.MINUTES) // when it fuzzes, which is for five by default
final class SessionFuzzTest {
    private static final int HEADER_BYTES = 12;
    private static final int MOST_BYTES = 1024;

    private static EmbeddedDriver driver;
    private static dev.ublk4j.server.Device device;
    private static ServedDisk disk;

    @BeforeAll
    static void serve() {
        BlkQueue queue = new BlkQueue(0, 0);
        driver = EmbeddedDriver.create(VhostUserExport.driverOptions());
        device =
                dev.ublk4j.server.Device.start(
                        driver,
                        new NullTarget(1 << 20),
                        DeviceOptions.defaults().with(Feature.SHMEM_ZC),
                        number -> queue);
        disk =
                new ServedDisk(
                        device,
                        driver.openBlock(device.id()),
                        new BlkDevice(device.geometry(), 1, "fuzz"),
                        List.of(queue));
    }

    @AfterAll
    static void stop() {
        disk.disk().close();
        device.close();
        driver.close();
    }

    /**
     * Takes bytes as messages, each of code, flags, kind of descriptor and length, a byte each, and
     * so many bytes of payload.
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
            while (in.remaining() >= 4) {
                send(client, buffer, in, memory.fd(), event.fd());
            }
            client.endOutput();
            session.run();
        }
    }

    private static void send(
            UnixSocket client, MemorySegment buffer, ByteBuffer in, Fd memory, Fd event) {
        int code = in.get() & 0xff;
        int flags = in.get() & 0xff;
        int kind = in.get();
        int length = Math.min(in.get() & 0xff, in.remaining());
        ByteBuffer message = buffer.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        message.putInt(code).putInt(flags).putInt(length);
        message.put(in.slice(in.position(), length));
        in.position(in.position() + length);
        Fd[] passed =
                switch (kind) {
                    case 1 -> new Fd[] {memory};
                    case 2 -> new Fd[] {event};
                    case 3 -> new Fd[] {memory, event};
                    default -> new Fd[0];
                };
        // What finds no room is lost, which is as good a stream as any.
        client.send(buffer.asSlice(0, message.position()), passed);
    }
}
