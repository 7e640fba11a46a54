package dev.ublk4j.sharedmemory;

import static dev.ublk4j.sharedmemory.SharedMemoryTest.assertThatErrno;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Mapping;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PagePinsTest {
    private static final long MIB = 1 << 20;

    private final PagePins pins = PagePins.open();
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        pins.close();
        arena.close();
    }

    @Test
    void pinnedPagesAreCountedByTheKernelUntilTheyAreUnpinned() throws Exception {
        long before = PinCounters.held();
        long acquired = PinCounters.acquired();
        try (SharedMemory memory = SharedMemory.create("test", 64 * MIB)) {
            MemorySegment mapped = memory.map(arena, false);

            Pin pin = pins.pin(mapped.address(), 64 * MIB, true);

            assertThat(pin.isLockOnly()).isFalse();
            assertThat(pin.length()).isEqualTo(64 * MIB);
            assertThat(pin.address()).isEqualTo(mapped.address());
            assertThat(PinCounters.acquired() - acquired)
                    .isGreaterThanOrEqualTo(64 * MIB / Pages.SIZE);
            pin.close();
            assertThat(PinCounters.fallsTo(before)).as("pins released").isTrue();
        }
    }

    /** The kernel refuses to seal what is pinned against writing: so it shows what is held. */
    @Test
    void pagesStayPinnedWhenTheirMappingIsGone() {
        try (SharedMemory memory = SharedMemory.create("test", MIB)) {
            Pin pin;
            try (Arena mapping = Arena.ofConfined()) {
                pin = pins.pin(memory.map(mapping, false).address(), MIB, true);
            }
            assertThatErrno(Errno.EBUSY, () -> memory.seal(Seal.WRITE));

            pin.close();

            memory.seal(Seal.WRITE);
            assertThat(memory.seals()).contains(Seal.WRITE);
        }
    }

    @Test
    void closingUnpinsWhatIsLeft() {
        try (SharedMemory memory = SharedMemory.create("test", MIB)) {
            PagePins closedSoon = PagePins.open();
            Pin pin;
            try (Arena mapping = Arena.ofConfined()) {
                pin = closedSoon.pin(memory.map(mapping, false).address(), MIB, true);
                assertThat(closedSoon.count()).isEqualTo(1);
                closedSoon.close();
                closedSoon.close();
                assertThat(closedSoon.count()).isZero();
                assertThatIllegalStateException()
                        .isThrownBy(() -> closedSoon.pin(Pages.SIZE, 1, true));
            }

            memory.seal(Seal.WRITE);
            pin.close();
        }
    }

    @Test
    void morePinsThanOneRingHasSlotsFor() throws Exception {
        int many = 20_000;
        assertThat(many).isGreaterThan(PinRing.SLOTS);
        long before = PinCounters.held();
        MemorySegment page = Mapping.anonymous(Pages.SIZE, Mapping.MAP_PRIVATE, arena);
        List<Pin> held = new ArrayList<>();
        for (int i = 0; i < many; i++) {
            held.add(pins.pin(page.address(), Pages.SIZE, true));
        }

        assertThat(pins.count()).isEqualTo(many);
        assertThat(PinCounters.held()).isGreaterThanOrEqualTo(many);
        for (Pin pin : held) {
            pin.close();
            pin.close();
        }
        assertThat(pins.count()).isZero();
        assertThat(PinCounters.fallsTo(before)).as("pins released").isTrue();
    }

    @Test
    void aPinLongerThanOneSlotMayHoldTakesSeveral() throws Exception {
        long before = PinCounters.held();
        long length = 4 * MIB + Pages.SIZE;
        MemorySegment memory = Mapping.anonymous(length, Mapping.MAP_PRIVATE, arena);
        try (PagePins small = PagePins.open(MIB)) {
            Pin pin = small.pin(memory.address(), length, true);

            assertThat(pin.hold())
                    .isInstanceOfSatisfying(
                            Pin.Hold.Slots.class, hold -> assertThat(hold.slots()).hasSize(5));
            assertThat(PinCounters.held()).isGreaterThanOrEqualTo(length / Pages.SIZE);
            pin.close();
            assertThat(PinCounters.fallsTo(before)).as("pins released").isTrue();
        }
    }

    @Test
    void aPinThatFailsInALaterSlotLeavesNothingInTheFirst() {
        try (SharedMemory memory = SharedMemory.create("test", 2 * MIB);
                PagePins small = PagePins.open(MIB)) {
            try (Arena mapping = Arena.ofConfined()) {
                long address = memory.map(mapping, 0, 4 * MIB, false).address();
                assertThatErrno(Errno.EFAULT, () -> small.pin(address, 4 * MIB, true));
                assertThat(small.count()).isZero();
            }

            // Refused while pages are pinned.
            memory.seal(Seal.WRITE);
            assertThat(memory.seals()).contains(Seal.WRITE);
        }
    }

    @Test
    void memoryThatIsNotThereCannotBePinned() throws Exception {
        long before = PinCounters.held();
        long end = PageFramesTest.endOfMapping(arena);
        for (boolean writable : new boolean[] {true, false}) {
            assertThatErrno(Errno.EFAULT, () -> pins.pin(Pages.SIZE, Pages.SIZE, writable));
            assertThatErrno(Errno.EFAULT, () -> pins.pin(0, Pages.SIZE, writable));
            assertThatErrno(Errno.EFAULT, () -> pins.pin(-1L << 20, Pages.SIZE, writable));
            assertThatErrno(
                    Errno.EFAULT, () -> pins.pin(end - Pages.SIZE, 2L * Pages.SIZE, writable));
        }

        assertThat(pins.count()).isZero();
        assertThat(PinCounters.fallsTo(before)).as("nothing stays pinned").isTrue();
    }

    @Test
    void memoryBeyondTheEndOfItsFileCannotBePinned() {
        try (SharedMemory memory = SharedMemory.create("test", Pages.SIZE)) {
            long address = memory.map(arena, 0, 2L * Pages.SIZE, false).address();
            long readOnly = memory.map(arena, 0, 2L * Pages.SIZE, true).address();

            assertThatErrno(Errno.EFAULT, () -> pins.pin(address, 2L * Pages.SIZE, true));
            assertThatErrno(Errno.EFAULT, () -> pins.pin(readOnly, 2L * Pages.SIZE, false));
            assertThat(pins.pin(address, Pages.SIZE, true).isLockOnly()).isFalse();
        }
    }

    @Test
    void aRefusalNamesTheMemory() {
        assertThatThrownBy(() -> pins.pin(Pages.SIZE, 12345, true))
                .hasMessageContaining("12345 bytes at 0x" + Integer.toHexString(Pages.SIZE))
                .hasMessageContaining("EFAULT");
        assertThatIllegalArgumentException().isThrownBy(() -> pins.pin(Pages.SIZE, 0, true));
    }

    @Test
    void readOnlyMemoryIsLockedInsteadAndOnlyForReaders() throws Exception {
        try (SharedMemory memory = SharedMemory.create("test", MIB)) {
            memory.seal(Seal.WRITE);
            MemorySegment mapped = memory.map(arena, true);
            long before = PinCounters.locked();
            assertThatErrno(Errno.EFAULT, () -> pins.pin(mapped.address(), MIB, true));

            Pin pin = pins.pin(mapped.address(), MIB, false);

            assertThat(pin.isLockOnly()).isTrue();
            assertThat(PinCounters.locked() - before).isEqualTo(MIB);
            pin.close();
            assertThat(PinCounters.locked()).isEqualTo(before);
        }
    }

    @Test
    void writableMemoryIsPinnedForReadersToo() {
        MemorySegment memory = Mapping.anonymous(MIB, Mapping.MAP_PRIVATE, arena);

        assertThat(pins.pin(memory.address(), MIB, false).isLockOnly()).isFalse();
    }

    @Test
    void overlappingLocksHoldWhatAnyOfThemWants() throws Exception {
        try (SharedMemory memory = SharedMemory.create("test", MIB)) {
            long address = memory.map(arena, true).address();
            long before = PinCounters.locked();
            Pin low = lock(address, 0, 8);
            Pin high = lock(address, 4, 12);
            Pin within = lock(address, 5, 6);
            Pin same = lock(address, 0, 8);
            assertThat(PinCounters.locked() - before).isEqualTo(12L * Pages.SIZE);

            low.close();
            assertThat(PinCounters.locked() - before).isEqualTo(12L * Pages.SIZE);
            same.close();
            assertThat(PinCounters.locked() - before).isEqualTo(8L * Pages.SIZE);
            high.close();
            assertThat(PinCounters.locked() - before).isEqualTo(Pages.SIZE);
            within.close();
            assertThat(PinCounters.locked()).isEqualTo(before);
        }
    }

    private Pin lock(long address, int firstPage, int endPage) {
        return pins.pin(
                address + (long) firstPage * Pages.SIZE,
                (long) (endPage - firstPage) * Pages.SIZE,
                false);
    }

    @Test
    void aLockOnMemoryThatIsUnmappedEndsQuietly() {
        Pin pin;
        try (SharedMemory memory = SharedMemory.create("test", MIB);
                Arena mapping = Arena.ofConfined()) {
            pin = pins.pin(memory.map(mapping, true).address(), MIB, false);
        }

        pin.close();

        assertThat(pins.count()).isZero();
    }

    @Test
    void hugePagesArePinned() throws IOException {
        try (HugePages pool = HugePages.reserve(2);
                SharedMemory memory =
                        SharedMemory.createHuge("test", 2 * HugePages.SIZE, HugePages.SIZE);
                PagePins own = PagePins.open();
                Arena mapping = Arena.ofConfined()) {
            assertThat(pool).isNotNull();
            MemorySegment mapped = memory.map(mapping, false);
            mapped.set(JAVA_BYTE, 0, (byte) 1);

            Pin pin = own.pin(mapped.address(), mapped.byteSize(), true);

            assertThat(pin.isLockOnly()).isFalse();
            pin.close();
        }
    }

    @Test
    void anyThreadMayPinAndUnpin() throws Exception {
        long before = PinCounters.held();
        MemorySegment memory = Mapping.anonymous(MIB, Mapping.MAP_PRIVATE, arena);
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<?>> results = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                results.add(threads.submit(() -> pinAndUnpin(memory.address())));
            }
            for (Future<?> result : results) {
                result.get();
            }
        }

        assertThat(pins.count()).isZero();
        assertThat(PinCounters.fallsTo(before)).as("pins released").isTrue();
    }

    private void pinAndUnpin(long address) {
        for (int i = 0; i < 200; i++) {
            try (Pin one = pins.pin(address, MIB, true);
                    Pin two = pins.pin(address, Pages.SIZE, false)) {
                assertThat(one).isNotSameAs(two);
            }
        }
    }

    @Test
    void aProcessWithoutPrivilegesPinsUpToItsLimitAndSeesNoRealFrames() throws Exception {
        Process process =
                new ProcessBuilder(
                                "setpriv",
                                "--bounding-set=-all",
                                "--inh-caps=-all",
                                "prlimit",
                                "--memlock=65536:65536",
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-Xmx64m",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Unprivileged.class.getName())
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assumeTrue(
                process.waitFor() == 0 || output.startsWith(Unprivileged.STARTED),
                "setpriv and prlimit let a process run without privileges: " + output);

        assertThat(output.lines())
                .containsExactly(
                        Unprivileged.STARTED,
                        "frames synthetic",
                        "real EPERM",
                        "small pinned",
                        "large ENOMEM",
                        "large again ENOMEM",
                        "read-only ENOMEM");
    }
}
