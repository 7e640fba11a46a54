package dev.ublk4j.bench;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.IoUring;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Random reads of a file that is in the page cache: through a ring, by 32 in one call, into
 * registered buffers; and through a {@link FileChannel}, one after the other.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(2)
public class FileReadBenchmark {
    private static final int DEPTH = 32;
    private static final int FILE_BYTES = 64 << 20;

    /** Bytes of a read. */
    @Param({"512", "4096", "65536"})
    public int bytes;

    private final SplittableRandom random = new SplittableRandom(1);
    private final CompletionHandler check =
            (_, result, _) ->
                    LinuxException.check(
                            "read", "the file", result < bytes ? Errno.EIO.negated() : result);

    private Open open;

    /** What is open while it runs. */
    private record Open(
            Path path,
            FileChannel channel,
            ByteBuffer buffer,
            Ring ring,
            MemorySegment memory,
            Arena arena) {}

    /** Makes the file, and opens it twice. */
    @Setup
    public void start() throws IOException {
        Path path = Files.createTempFile("ublk4j-bench", ".data");
        Files.write(path, new byte[FILE_BYTES]);
        Arena arena = Arena.ofConfined();
        MemorySegment memory = arena.allocate((long) DEPTH * bytes, 4096);
        Ring ring = Ring.open(RingOptions.defaults().withEntries(DEPTH));
        try (Fd file = Fd.open(path, Fd.O_RDONLY)) {
            ring.registerFiles(new int[] {file.number()});
        }
        ring.registerBuffers(memory);
        ByteBuffer buffer = arena.allocate(bytes, 4096).asByteBuffer();
        open = new Open(path, FileChannel.open(path), buffer, ring, memory, arena);
    }

    private long somewhere() {
        return random.nextLong(FILE_BYTES / bytes) * bytes;
    }

    /** Through a ring. */
    @Benchmark
    @OperationsPerInvocation(DEPTH)
    public int ring() {
        Ring ring = open.ring();
        for (int i = 0; i < DEPTH; i++) {
            long address = open.memory().address() + (long) i * bytes;
            ring.readFixed(0, address, bytes, somewhere(), 0, i);
            ring.setSqeFlags(IoUring.IOSQE_FIXED_FILE);
        }
        int left = DEPTH;
        while (left > 0) {
            ring.submitAndWait(left);
            left -= ring.drain(check);
        }
        return left;
    }

    /** Through a channel. */
    @Benchmark
    @OperationsPerInvocation(DEPTH)
    public int channel() throws IOException {
        int read = 0;
        for (int i = 0; i < DEPTH; i++) {
            read += open.channel().read(open.buffer().clear(), somewhere());
        }
        return read;
    }

    /** Closes and deletes the file. */
    @TearDown
    public void stop() throws IOException {
        open.channel().close();
        open.ring().close();
        open.arena().close();
        Files.delete(open.path());
    }
}
