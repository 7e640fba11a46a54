package dev.ublk4j.embedded;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.linux.call.Syscall;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.ShmemBufRegLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever the kernel does with the pages of registered memory: a request finds the buffer if its
 * memory is the buffer's, and no other request does. With memory that is touched and with memory
 * that is not, whoever it runs as.
 */
final class MovedPagesTest {
    private static final int PAGE = 4096;
    private static final int HUGE = 2 << 20;
    private static final int MAP_FIXED = 0x10;
    private static final int MADV_COLLAPSE = 25;
    private static final int FALLOC_KEEP_SIZE = 1;
    private static final int FALLOC_PUNCH_HOLE = 2;

    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
    }

    /** A served device with one registered buffer of 4 MiB. */
    private final class Served implements AutoCloseable {
        final EmbeddedDriver driver;
        final Commands commands;
        final int id;
        final SharedMemory shared = SharedMemory.create("buffer", 2 * HUGE);
        final MemorySegment store = arena.allocate(1 << 22, PAGE);
        final RamServer server;
        final Disk disk;

        Served(boolean numbered, boolean readOnly) {
            driver = EmbeddedDriver.create(EmbeddedOptions.defaults().withNumberedFrames(numbered));
            commands = new Commands(driver);
            id = commands.add(1, 8, Feature.UBLK_F_SHMEM_ZC);
            assertThat(commands.setParams(id, Commands.params(1 << 22))).isZero();
            MemorySegment servers = aligned(shared, readOnly);
            int flags = readOnly ? ShmemBufRegLayout.UBLK_SHMEM_BUF_READ_ONLY : 0;
            assertThat(commands.register(id, servers.address(), 2 * HUGE, flags)).isZero();
            server = new RamServer(driver, id, 1, 8, store);
            server.buffers.put(0, servers);
            assertThat(commands.start(id)).isZero();
            disk = driver.openBlock(id);
        }

        long write(ClientMemory memory, long offset) {
            BlockingRequest request = new BlockingRequest();
            request.request().write(0).add(memory, offset, PAGE);
            return disk.submitAndWait(request);
        }

        byte stored() {
            return store.get(JAVA_BYTE, 0);
        }

        long hits() {
            return driver.counters(id).hits();
        }

        @Override
        public void close() {
            disk.close();
            assertThat(commands.stop(id)).isZero();
            server.join();
            server.close();
            assertThat(commands.delete(id)).isZero();
            shared.close();
        }
    }

    /** Maps a file where the kernel can put a huge page behind it. */
    private MemorySegment aligned(SharedMemory memory, boolean readOnly) {
        long length = memory.size();
        MemorySegment room = Mapping.anonymous(length + HUGE, Mapping.MAP_PRIVATE, arena);
        long offset = -room.address() & (HUGE - 1);
        int protection = readOnly ? Mapping.PROT_READ : Mapping.PROT_READ | Mapping.PROT_WRITE;
        long answer =
                Syscall.call(
                        Syscall.Call.MMAP,
                        room.address() + offset,
                        length,
                        protection,
                        Mapping.MAP_SHARED | MAP_FIXED,
                        memory.fd().number(),
                        0);
        assertThat(answer).isEqualTo(room.address() + offset);
        return room.asSlice(offset, length);
    }

    private void assertThatWritesBringTheirOwnData(Served served, MemorySegment shared) {
        MemorySegment foreign = Mapping.anonymous(64L << 20, Mapping.MAP_PRIVATE, arena);
        try (ClientMemory same = new ClientMemory(shared);
                ClientMemory other = new ClientMemory(foreign)) {
            long before = served.hits();
            for (int page = 0; page < 512; page++) {
                shared.set(JAVA_BYTE, (long) page * PAGE, (byte) (page | 1));
                assertThat(served.write(same, (long) page * PAGE)).isEqualTo(PAGE);
                assertThat(served.stored()).isEqualTo((byte) (page | 1));
            }
            assertThat(served.hits() - before).isEqualTo(512);
            for (long at = 0; at < foreign.byteSize(); at += PAGE) {
                foreign.set(JAVA_BYTE, at, (byte) 0x6e);
                assertThat(served.write(other, at)).isEqualTo(PAGE);
                assertThat(served.stored()).isEqualTo((byte) 0x6e);
            }
            assertThat(served.hits() - before).as("of memory that is not shared").isEqualTo(512);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void pagesThatAreCollapsedIntoHugeOnesBelongToTheirBufferAndNoOther(boolean numbered) {
        for (boolean readOnly : new boolean[] {true, false}) {
            try (Served served = new Served(numbered, readOnly)) {
                MemorySegment clients = aligned(served.shared, false);
                clients.fill((byte) 1);
                long collapsed =
                        Syscall.call(
                                Syscall.Call.MADVISE,
                                clients.address(),
                                clients.byteSize(),
                                MADV_COLLAPSE);
                assumeTrue(collapsed == 0, "the kernel collapses pages on demand");

                assertThatWritesBringTheirOwnData(served, clients);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void pagesThatAreTakenOutOfTheFileComeAgainInTheSameBuffer(boolean numbered) {
        try (Served served = new Served(numbered, true)) {
            MemorySegment clients = served.shared.map(arena, false);
            clients.fill((byte) 1);
            long punched =
                    Syscall.call(
                            Syscall.Call.FALLOCATE,
                            served.shared.fd().number(),
                            FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE,
                            0,
                            clients.byteSize());
            assertThat(punched).isZero();

            assertThatWritesBringTheirOwnData(served, clients);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aPrivateCopyOfTheFileIsNotTheBuffer(boolean numbered) {
        try (Served served = new Served(numbered, false)) {
            MemorySegment clients = served.shared.map(arena, false);
            clients.fill((byte) 1);
            MemorySegment copy =
                    Mapping.map(
                            served.shared.fd(),
                            0,
                            PAGE,
                            Mapping.PROT_READ | Mapping.PROT_WRITE,
                            Mapping.MAP_PRIVATE,
                            arena);
            try (ClientMemory memory = new ClientMemory(copy)) {
                copy.fill((byte) 2);
                assertThat(served.write(memory, 0)).isEqualTo(PAGE);
                assertThat(served.stored()).isEqualTo((byte) 2);
                assertThat(served.hits()).isZero();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void memoryThatHasBeenUnmappedIsNotUsedAgain(boolean numbered) {
        try (Served served = new Served(numbered, false)) {
            ClientMemory gone;
            try (Arena mapping = Arena.ofShared()) {
                gone = new ClientMemory(served.shared.map(mapping, false));
            }
            assertThatIllegalStateException().isThrownBy(() -> served.write(gone, 0));
            ClientMemory closed = new ClientMemory(served.shared.map(arena, false));
            closed.close();
            assertThatIllegalStateException().isThrownBy(() -> served.write(closed, 0));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void memoryThatMustNotBeWrittenIsRegisteredForReadingAlone(boolean numbered) {
        try (Served served = new Served(numbered, false);
                SharedMemory other = SharedMemory.create("other", PAGE)) {
            MemorySegment readOnly = other.map(arena, true);
            assertThat(served.commands.register(served.id, readOnly.address(), PAGE, 0))
                    .isEqualTo(Errno.EFAULT.negated());
            assertThatThrownBy(() -> new ClientMemory(readOnly))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EFAULT));
        }
    }
}
