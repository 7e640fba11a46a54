package dev.ublk4j.vhostuser;

import dev.ublk4j.embedded.Disk;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.internal.QuietLog;
import dev.ublk4j.linux.socket.UnixSocket;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * The way from the server to its client, the frontend, which has passed a socket for it: the client
 * is told when the size of the disk has changed, reads the configuration again, and has its guest
 * do so.
 *
 * <p>The client is told without waiting. One that does not read what it is told is told no more.
 * Any thread.
 */
final class FrontendChannel implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(FrontendChannel.class.getName());
    private static final QuietLog DROPS = new QuietLog(LOG);

    /** {@code VHOST_USER_BACKEND_CONFIG_CHANGE_MSG}: a header without a payload. */
    private static final int CONFIG_CHANGE = 2;

    private static final int HEADER_BYTES = 12;
    private static final int VERSION = 1;

    private final Disk.Watch watch;
    private @Nullable UnixSocket socket;
    private boolean closed;

    FrontendChannel(Disk disk) {
        watch = disk.onResize(this::tell);
    }

    /** Takes a socket over; it takes the place of the one before. */
    synchronized void set(Fd passed) {
        drop();
        socket = UnixSocket.of(passed);
    }

    private synchronized void tell() {
        UnixSocket to = socket;
        if (to == null || closed) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment message = arena.allocate(HEADER_BYTES);
            ByteBuffer out = message.asByteBuffer().order(ByteOrder.nativeOrder());
            out.putInt(CONFIG_CHANGE).putInt(VERSION).putInt(0);
            long answer = to.send(message);
            if (answer != HEADER_BYTES) {
                String why = answer < 0 ? Errno.of((int) -answer).text() : "a part was sent";
                DROPS.log(
                        Level.WARNING,
                        () -> "vhost-user client is not told of the disk's new size: " + why);
                drop();
            }
        }
    }

    private void drop() {
        if (socket != null) {
            socket.close();
            socket = null;
        }
    }

    @Override
    public void close() {
        watch.close();
        synchronized (this) {
            closed = true;
            drop();
        }
    }
}
