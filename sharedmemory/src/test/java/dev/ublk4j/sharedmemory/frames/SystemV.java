package dev.ublk4j.sharedmemory.frames;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;

/** A segment of System V's shared memory. */
@SuppressWarnings("restricted")
final class SystemV implements AutoCloseable {
    private static final Path NEXT_ID = Path.of("/proc/sys/kernel/shm_next_id");
    private static final int IPC_RMID = 0;
    private static final MethodHandle GET =
            handle("shmget", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle AT = handle("shmat", ADDRESS, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle DT = handle("shmdt", JAVA_INT, ADDRESS);
    private static final MethodHandle CTL = handle("shmctl", JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);

    final int id;
    private final long bytes;

    private SystemV(int id, long bytes) {
        this.id = id;
        this.bytes = bytes;
    }

    private static MethodHandle handle(String name, ValueLayout result, ValueLayout... arguments) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(
                linker.defaultLookup().findOrThrow(name), FunctionDescriptor.of(result, arguments));
    }

    static SystemV create(long bytes) throws Throwable {
        int id = (int) GET.invokeExact(0, bytes, 0600);
        assumeTrue(id >= 0, "there may be segments of System V");
        return new SystemV(id, bytes);
    }

    /** Creates a segment of a certain number, for who may ask for it. */
    static SystemV create(long bytes, long id) throws Throwable {
        assumeTrue(Files.isWritable(NEXT_ID) && id <= Integer.MAX_VALUE, "the number can be set");
        try {
            Files.writeString(NEXT_ID, Long.toString(id));
        } catch (IOException e) {
            assumeTrue(false, "the number can be set: " + e);
        }
        return create(bytes);
    }

    MemorySegment attach() throws Throwable {
        MemorySegment at = (MemorySegment) AT.invokeExact(id, MemorySegment.NULL, 0);
        return at.reinterpret(bytes);
    }

    static void detach(MemorySegment memory) throws Throwable {
        var _ = (int) DT.invokeExact(memory);
    }

    @Override
    public void close() {
        try {
            var _ = (int) CTL.invokeExact(id, IPC_RMID, MemorySegment.NULL);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
