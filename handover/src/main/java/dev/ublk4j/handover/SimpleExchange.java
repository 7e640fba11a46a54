package dev.ublk4j.handover;

import dev.ublk4j.handover.MessageStream.Outcome;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.socket.UnixSocket;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;

/** The application's end of the exchange that the kernel's own test server speaks. */
public final class SimpleExchange {
    private SimpleExchange() {}

    /**
     * Hands a memfd over, for as long as this process lives.
     *
     * @param path the server's socket
     * @param memory stays the caller's
     * @return the index of the buffer, or a negative errno
     * @throws LinuxException when there is no reply
     */
    public static int handOver(Path path, Fd memory, Duration patience) {
        try (MessageStream stream = new MessageStream(UnixSocket.connect(path, patience))) {
            ByteBuffer out = stream.out().clear();
            out.put((byte) 0).flip();
            Outcome sent = stream.write(patience, memory);
            Outcome answered = stream.readUpTo(Integer.BYTES, patience);
            if (answered != Outcome.DONE) {
                throw new HandoverException(
                        "handover",
                        path.toString(),
                        Errno.ETIMEDOUT.negated(),
                        "no reply (%s, %s)".formatted(sent, answered));
            }
            return stream.in().getInt(0);
        }
    }
}
