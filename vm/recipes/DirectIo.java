import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;

/**
 * Writes 16 MiB to a disk with direct I/O, reads them back and compares, once for each line that it
 * is sent. It knows nothing of ublk4j; what its memory is, the first argument says.
 */
public final class DirectIo {
    private static final int SIZE = 16 << 20;
    private static final int REQUEST = 128 << 10;
    private static final int PAGE = 4096;

    private static final int O_RDWR = 2;
    private static final int O_DIRECT = 040000;

    private static final Linker LINKER = Linker.nativeLinker();

    /** Takes memory of the heap as it is; no collection can be while it runs. */
    private static final Linker.Option IN_HEAP = Linker.Option.critical(true);

    private static final MethodHandle PREAD = call("pread", IN_HEAP);
    private static final MethodHandle PWRITE = call("pwrite", IN_HEAP);

    private interface Io extends AutoCloseable {
        /** {@return where in the buffer the data may begin} */
        default int start() throws Throwable {
            return 0;
        }

        /** {@return the bytes done of a request, whose data is there in the buffer} */
        long transfer(boolean write, int start, long offset) throws Throwable;

        @Override
        default void close() throws IOException {}
    }

    private static MethodHandle call(String name, Linker.Option... options) {
        return LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow(name),
                FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG),
                options);
    }

    public static void main(String[] arguments) throws Throwable {
        Path disk = Path.of(arguments[1]);
        byte[] array = new byte[SIZE + PAGE];
        ByteBuffer buffer =
                switch (arguments[0]) {
                    case "mapped" -> mapped();
                    case "direct" -> ByteBuffer.allocateDirect(SIZE + PAGE).alignedSlice(PAGE);
                    case "heap", "array" -> ByteBuffer.wrap(array);
                    default -> throw new IllegalArgumentException(arguments[0]);
                };
        boolean inArray = arguments[0].equals("array");
        try (Io io = inArray ? inArray(disk, array) : byChannel(disk, buffer)) {
            System.out.println("ready");
            for (int round = 0; System.in.read() == '\n'; round++) {
                byte[] expected = new byte[SIZE];
                new Random(round).nextBytes(expected);
                int start = io.start();
                buffer.put(start, expected);
                all(io, true, start);
                buffer.put(start, new byte[SIZE]);
                all(io, false, start);
                if (buffer.slice(start, SIZE).mismatch(ByteBuffer.wrap(expected)) >= 0) {
                    throw new IOException("what was read is not what was written");
                }
                System.out.println("same");
            }
        }
    }

    private static void all(Io io, boolean write, int start) throws Throwable {
        for (int at = 0; at < SIZE; at += REQUEST) {
            long done = io.transfer(write, start + at, at);
            if (done != REQUEST) {
                throw new IOException("a request of %d ended with %d".formatted(REQUEST, done));
            }
        }
    }

    /** A file on tmpfs: memory that has a name, and loses it at once. */
    private static ByteBuffer mapped() throws IOException {
        Path file = Files.createTempFile(Path.of("/dev/shm"), "direct-io", "");
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return channel.map(MapMode.READ_WRITE, 0, SIZE);
        } finally {
            Files.delete(file);
        }
    }

    private static Io byChannel(Path disk, ByteBuffer buffer) throws IOException {
        FileChannel channel =
                FileChannel.open(
                        disk,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        ExtendedOpenOption.DIRECT);
        return new Io() {
            @Override
            public long transfer(boolean write, int start, long offset) throws IOException {
                ByteBuffer data = buffer.slice(start, REQUEST);
                return write ? channel.write(data, offset) : channel.read(data, offset);
            }

            @Override
            public void close() throws IOException {
                channel.close();
            }
        };
    }

    /**
     * The C library's calls on an array of the heap. Java does not say where an array lies, so what
     * is aligned enough for direct I/O is found by trying. A collection may move the array.
     */
    private static Io inArray(Path disk, byte[] array) throws Throwable {
        int file = open(disk);
        MemorySegment heap = MemorySegment.ofArray(array);
        return new Io() {
            @Override
            public int start() throws Throwable {
                for (int start = 0; start < PAGE; start += 8) {
                    if (transfer(false, start, 0) == REQUEST) {
                        return start;
                    }
                }
                throw new IOException("nothing in the array is aligned");
            }

            @Override
            public long transfer(boolean write, int start, long offset) throws Throwable {
                MemorySegment data = heap.asSlice(start, REQUEST);
                return write
                        ? (long) PWRITE.invokeExact(file, data, (long) REQUEST, offset)
                        : (long) PREAD.invokeExact(file, data, (long) REQUEST, offset);
            }
        };
    }

    private static int open(Path disk) throws Throwable {
        MethodHandle open =
                LINKER.downcallHandle(
                        LINKER.defaultLookup().findOrThrow("open"),
                        FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
                        Linker.Option.firstVariadicArg(2));
        try (Arena arena = Arena.ofConfined()) {
            return (int) open.invokeExact(arena.allocateFrom(disk.toString()), O_RDWR | O_DIRECT);
        }
    }
}
