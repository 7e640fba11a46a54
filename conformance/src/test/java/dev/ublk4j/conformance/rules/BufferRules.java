package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.ublk4j.conformance.device.Handler;
import dev.ublk4j.conformance.device.MemoryBackend;
import dev.ublk4j.conformance.device.RawControl;
import dev.ublk4j.conformance.device.Seen;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.sharedmemory.Seal;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.ShmemBufRegLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How shared memory is registered and taken back: {@code REG_BUF} and {@code UNREG_BUF}. */
public abstract class BufferRules extends LaneRules {
    private static final int READ_ONLY = ShmemBufRegLayout.UBLK_SHMEM_BUF_READ_ONLY;
    private static final int ENOENT = Errno.ENOENT.negated();
    private static final int ENOSPC = Errno.ENOSPC.negated();
    private static final int BUFFERS = 65_536;
    private static final Shape SHARED = Shape.plain().with(Feature.SHMEM_ZC);

    protected BufferRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    private int register(TestDevice device, long address, long length, int flags) {
        return register(device, address, length, flags, 0);
    }

    private int register(TestDevice device, long address, long length, int flags, int reserved) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(ShmemBufRegLayout.SIZE, 8);
            ShmemBufRegLayout.write(memory, 0, address, length, flags);
            ShmemBufRegLayout.reserved(memory, 0, reserved);
            return raw().send(ControlCommand.REG_BUF, device.id(), memory);
        }
    }

    private int register(TestDevice device, MemorySegment memory, int flags) {
        return register(device, memory.address(), memory.byteSize(), flags);
    }

    private int unregister(TestDevice device, long index) {
        return raw().send(ControlCommand.UNREG_BUF, device.id(), index);
    }

    @Test
    void withoutTheFeatureNeitherCommandIsSupportedWhateverItSays() {
        try (TestDevice device = added(Shape.plain())) {
            assertThat(raw().send(ControlCommand.REG_BUF, device.id(), 24, RawControl.WILD))
                    .isEqualTo(EOPNOTSUPP);
            assertThat(unregister(device, -1)).isEqualTo(EOPNOTSUPP);
        }
    }

    @Test
    void aStructureThatCannotBeReadIsAFault() {
        try (TestDevice device = added(SHARED)) {
            assertThat(raw().send(ControlCommand.REG_BUF, device.id(), 24, RawControl.WILD))
                    .isEqualTo(EFAULT);
            assertThat(raw().send(ControlCommand.REG_BUF, device.id(), 24, 0)).isEqualTo(EFAULT);
        }
    }

    @Test
    void anEmptyStructureIsOneOfZeroesAndIsNotEvenRead() {
        try (TestDevice device = added(SHARED)) {
            assertThat(raw().send(ControlCommand.REG_BUF, device.id(), 0, RawControl.WILD))
                    .isEqualTo(EINVAL);
        }
    }

    @Test
    void aStructureThatEndsAfterTheLengthHasNoFlags() {
        try (TestDevice device = added(SHARED);
                Shared shared = new Shared(lane(), PAGE);
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(ShmemBufRegLayout.SIZE, 8).fill((byte) 0xff);
            ShmemBufRegLayout.addr(memory, 0, shared.server().address());
            ShmemBufRegLayout.len(memory, 0, PAGE);
            long address = memory.address();
            assertThat(raw().send(ControlCommand.REG_BUF, device.id(), 8, address))
                    .as("no length")
                    .isEqualTo(EINVAL);
            assertThat(raw().send(ControlCommand.REG_BUF, device.id(), 24, address))
                    .as("all flags")
                    .isEqualTo(EINVAL);
            assertThat(raw().send(ControlCommand.REG_BUF, device.id(), 16, address)).isZero();
        }
    }

    @Test
    void aStructureOfANewerServerIsReadAsFarAsItIsKnown() {
        try (TestDevice device = added(SHARED);
                Shared shared = new Shared(lane(), PAGE);
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(64, 8).fill((byte) 0xff);
            ShmemBufRegLayout.write(memory, 0, shared.server().address(), PAGE, 0);
            assertThat(raw().send(ControlCommand.REG_BUF, device.id(), memory)).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 1 << 31, -1})
    void anUnknownFlagIsInvalid(int flags) {
        try (TestDevice device = added(SHARED);
                Shared shared = new Shared(lane(), PAGE)) {
            assertThat(register(device, shared.server(), flags)).isEqualTo(EINVAL);
        }
    }

    @Test
    void theReservedFieldIsZero() {
        try (TestDevice device = added(SHARED);
                Shared shared = new Shared(lane(), PAGE)) {
            assertThat(register(device, shared.server().address(), PAGE, 0, 1)).isEqualTo(EINVAL);
        }
    }

    @ParameterizedTest
    @ValueSource(
            longs = {0, 1, 512, 4095, 4097, (1L << 32) + 4096, 1L << 40, Long.MIN_VALUE, -4096})
    void aLengthThatIsNoneOrNotOfPagesOrAboveFourGibibytesIsInvalid(long length) {
        try (TestDevice device = added(SHARED);
                Shared shared = new Shared(lane(), 2L * PAGE)) {
            assertThat(register(device, shared.server().address(), length, 0)).isEqualTo(EINVAL);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 512, 4095})
    void anAddressThatIsNotThatOfAPageIsInvalid(int offset) {
        try (TestDevice device = added(SHARED);
                Shared shared = new Shared(lane(), 2L * PAGE)) {
            assertThat(register(device, shared.server().address() + offset, PAGE, 0))
                    .isEqualTo(EINVAL);
        }
    }

    @Test
    void whatIsInvalidIsToldBeforeThePagesAreLookedAt() {
        try (TestDevice device = added(SHARED)) {
            assertThat(register(device, 0, PAGE, 2)).isEqualTo(EINVAL);
            assertThat(register(device, 0, PAGE, 0)).isEqualTo(EFAULT);
        }
    }

    @Test
    void memoryThatIsNotThereIsAFaultAndIsNotPinned() {
        try (TestDevice device = added(SHARED);
                Shared shared = new Shared(lane(), 16L * PAGE)) {
            long before = lane().pinnedBytes();
            long address;
            try (Arena hole = Arena.ofShared()) {
                address = pages(hole, 4L * PAGE).address();
            }
            assertThat(register(device, address, 4L * PAGE, 0)).isEqualTo(EFAULT);
            assertThat(register(device, address, 4L * PAGE, READ_ONLY)).isEqualTo(EFAULT);
            Pause.until("nothing is pinned", () -> lane().pinnedBytes() <= before);
            assertThat(register(device, shared.server(), 0)).as("the first index").isZero();
        }
    }

    @Test
    void memoryThatCannotBeWrittenIsAFaultUnlessItIsForReadingOnly() {
        try (TestDevice device = added(SHARED);
                Arena arena = Arena.ofShared();
                SharedMemory file = SharedMemory.create("read-only", 4L * PAGE)) {
            file.reserve();
            MemorySegment readable = file.map(arena, true);
            assertThat(register(device, readable, 0)).isEqualTo(EFAULT);
            assertThat(register(device, readable, READ_ONLY)).isZero();
        }
    }

    @Test
    void memoryThatIsSealedAgainstWritingCanBeRegisteredForReadingOnly() {
        try (TestDevice device = added(SHARED);
                Arena arena = Arena.ofShared();
                SharedMemory file = SharedMemory.create("sealed", 4L * PAGE)) {
            file.reserve();
            file.seal(Seal.FUTURE_WRITE);
            MemorySegment readable = file.map(arena, true);
            assertThat(register(device, readable, READ_ONLY)).isZero();
            assertThat(unregister(device, 0)).isZero();
        }
    }

    @Test
    void indexesCountUpAndAFreedOneIsUsedAgainLowestFirst() {
        try (TestDevice device = added(SHARED);
                Shared shared = new Shared(lane(), 8L * PAGE)) {
            for (int index = 0; index < 6; index++) {
                assertThat(register(device, page(shared, index), 0)).isEqualTo(index);
            }
            assertThat(unregister(device, 4)).isZero();
            assertThat(unregister(device, 1)).isZero();
            assertThat(register(device, page(shared, 6), 0)).isEqualTo(1);
            assertThat(register(device, page(shared, 1), 0)).isEqualTo(4);
            assertThat(register(device, page(shared, 4), 0)).isEqualTo(6);
        }
    }

    private static MemorySegment page(Shared shared, int number) {
        return shared.server().asSlice((long) number * PAGE, PAGE);
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, BUFFERS, Integer.MAX_VALUE, Integer.MIN_VALUE, 0xffff_ffffL})
    void anIndexOutOfRangeIsInvalid(long index) {
        try (TestDevice device = added(SHARED)) {
            assertThat(unregister(device, index)).isEqualTo(EINVAL);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, BUFFERS - 1})
    void anUnknownIndexIsNotThere(long index) {
        try (TestDevice device = added(SHARED)) {
            assertThat(unregister(device, index)).isEqualTo(ENOENT);
        }
    }

    @Test
    void anIndexIsThirtyTwoBitsOfItsArgument() {
        try (TestDevice device = added(SHARED);
                Shared shared = new Shared(lane(), PAGE)) {
            assertThat(register(device, shared.server(), 0)).isZero();
            assertThat(unregister(device, 7L << 32)).isZero();
        }
    }

    @Test
    void aBufferIsTakenBackOnce() {
        try (TestDevice device = added(SHARED);
                Shared shared = new Shared(lane(), PAGE)) {
            long before = lane().pinnedBytes();
            assertThat(register(device, shared.server(), 0)).isZero();
            assertThat(lane().pinnedBytes()).isEqualTo(before + (lane().pins() ? PAGE : 0));
            assertThat(unregister(device, 0)).isZero();
            Pause.until("the page is unpinned", () -> lane().pinnedBytes() <= before);
            assertThat(unregister(device, 0)).isEqualTo(ENOENT);
        }
    }

    @Test
    void pagesThatAreRegisteredAlreadyExistAndNothingOfTheFailureStaysBehind() {
        try (TestDevice device = added(SHARED);
                Shared shared = Shared.scattered(lane(), 64L * PAGE)) {
            MemorySegment all = shared.server();
            assertThat(register(device, all.asSlice(32L * PAGE, PAGE), 0)).isZero();
            long before = lane().pinnedBytes();
            assertThat(register(device, all, 0)).as("all of it").isEqualTo(EEXIST);
            assertThat(register(device, all.asSlice(32L * PAGE, 2L * PAGE), 0))
                    .as("its first page")
                    .isEqualTo(EEXIST);
            assertThat(register(device, all.asSlice(31L * PAGE, 2L * PAGE), 0))
                    .as("its last page")
                    .isEqualTo(EEXIST);
            assertThat(register(device, all.asSlice(32L * PAGE, PAGE), READ_ONLY))
                    .as("the same, for reading")
                    .isEqualTo(EEXIST);
            Pause.until("only the first is pinned", () -> lane().pinnedBytes() <= before);
            assertThat(register(device, all.asSlice(0, 32L * PAGE), 0)).isEqualTo(1);
            assertThat(register(device, all.asSlice(33L * PAGE, 31L * PAGE), 0)).isEqualTo(2);
        }
    }

    @Test
    void theSamePagesUnderAnotherAddressExistToo() {
        try (TestDevice device = added(SHARED);
                Shared shared = new Shared(lane(), 4L * PAGE)) {
            assertThat(register(device, shared.server(), 0)).isZero();
            MemorySegment again = shared.file().map(shared.arena(), false);
            assertThat(again.address()).isNotEqualTo(shared.server().address());
            assertThat(register(device, again, 0)).isEqualTo(EEXIST);
        }
    }

    @Test
    void eachDeviceHasBuffersOfItsOwn() {
        try (TestDevice one = added(SHARED);
                TestDevice two = added(SHARED);
                Shared shared = new Shared(lane(), 4L * PAGE)) {
            assertThat(register(one, shared.server(), 0)).isZero();
            assertThat(register(two, shared.server(), 0)).isZero();
            assertThat(unregister(one, 0)).isZero();
            assertThat(unregister(one, 0)).isEqualTo(ENOENT);
            assertThat(unregister(two, 0)).isZero();
        }
    }

    @Test
    void ordinaryMemoryCanBeRegisteredToo() {
        try (TestDevice device = added(SHARED);
                Arena arena = Arena.ofShared()) {
            assertThat(register(device, pages(arena, 4L * PAGE), 0)).isZero();
        }
    }

    @Test
    void aBufferStaysRegisteredWhenItsMappingIsGone() {
        try (TestDevice device = added(SHARED);
                Shared shared = new Shared(lane(), 4L * PAGE)) {
            try (Arena arena = Arena.ofShared()) {
                MemorySegment mapping = shared.file().map(arena, false);
                assertThat(register(device, mapping, 0)).isZero();
            }
            assertThat(register(device, shared.server(), 0)).isEqualTo(EEXIST);
            assertThat(unregister(device, 0)).isZero();
            assertThat(register(device, shared.server(), 0)).isZero();
        }
    }

    @Test
    void theEndOfTheDeviceReleasesWhatIsLeft() {
        long before = lane().pinnedBytes();
        try (Shared shared = Shared.scattered(lane(), 256L * PAGE)) {
            try (TestDevice device = live(SHARED, Handler.agreeing())) {
                for (int i = 0; i < 4; i++) {
                    MemorySegment some = shared.server().asSlice(i * 64L * PAGE, 64L * PAGE);
                    assertThat(register(device, some, i % 2)).isEqualTo(i);
                }
            }
        }
        Pause.until("every page is unpinned", () -> lane().pinnedBytes() <= before);
    }

    @Test
    void buffersOutliveTheServerThatRegisteredThem() {
        try (TestDevice device = live(SHARED.with(Feature.USER_RECOVERY), Handler.agreeing());
                Shared shared = new Shared(lane(), 4L * PAGE)) {
            assertThat(register(device, shared.server(), 0)).isZero();
            device.detach();
            assertThat(register(device, shared.server(), 0)).isEqualTo(EEXIST);
            assertThat(unregister(device, 0)).isZero();
        }
    }

    @Test
    void buffersAreRegisteredAndTakenBackWhileRequestsAreUnderWay() {
        MemoryBackend backend = new MemoryBackend(Shape.SIZE);
        try (TestDevice device = live(SHARED, backend);
                Shared other = new Shared(lane(), 4L * PAGE);
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pattern(pages(arena, 4L * PAGE), 1));
                ClientDisk disk = device.open()) {
            AtomicBoolean stop = new AtomicBoolean();
            AtomicInteger idle = new AtomicInteger(3);
            List<CompletableFuture<Integer>> clients = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                int place = i;
                clients.add(
                        meanwhile(() -> {
                            int count = 0;
                            for (; !stop.get(); count++) {
                                long position = place * 64L * PAGE;
                                Io io = Io.write(position, area.piece((long) place * PAGE, PAGE));
                                assertThat(disk.run(io)).isEqualTo(PAGE);
                                if (count == 0) {
                                    idle.decrementAndGet();
                                }
                            }
                            return count;
                        }));
            }
            // On one processor some may not have had their turn after 30 rounds.
            for (int round = 0; round < 30 || isAwaited(idle, clients); round++) {
                assertThat(register(device, other.server(), 0)).isZero();
                assertThat(unregister(device, 0)).isZero();
            }
            stop.set(true);
            for (CompletableFuture<Integer> client : clients) {
                assertThat(client.join()).isPositive();
            }
        }
    }

    private static boolean isAwaited(AtomicInteger idle, List<CompletableFuture<Integer>> clients) {
        return idle.get() > 0 && clients.stream().noneMatch(CompletableFuture::isDone);
    }

    @Test
    void takingABufferBackWaitsForTheRequestsThatAreOut() {
        try (TestDevice device = live(SHARED, Handler.holding());
                Shared shared = new Shared(lane(), 4L * PAGE);
                ClientDisk disk = device.open()) {
            int index = device.register(shared.server(), false);
            CompletableFuture<Long> answer =
                    disk.submit(Io.write(0, shared.client().piece(0, PAGE)));
            Seen request = device.queue().awaitSeen(1).getFirst();
            assertThat(request.isShared()).isTrue();
            CompletableFuture<Integer> back = meanwhile(() -> unregister(device, index));
            for (int i = 0; i < 20; i++) {
                Pause.briefly();
                assertThat(back).isNotDone();
            }
            device.queue().answer(request, PAGE);
            assertThat(back.join()).isZero();
            assertThat(ClientDisk.await(answer)).isEqualTo(PAGE);
        }
    }

    @Test
    void aRemovalWhoseSenderHasGivenUpIsDoneWhenTheRequestsAre() {
        Control impatient = new Control(lane().driver(), Duration.ofMillis(50));
        try (TestDevice device = live(SHARED, Handler.holding());
                Shared shared = new Shared(lane(), 4L * PAGE);
                ClientDisk disk = device.open()) {
            int index = device.register(shared.server(), false);
            CompletableFuture<Long> answer =
                    disk.submit(Io.write(0, shared.client().piece(0, PAGE)));
            Seen request = device.queue().awaitSeen(1).getFirst();
            ControlTimeoutException late =
                    catchThrowableOfType(
                            ControlTimeoutException.class,
                            () -> impatient.unregisterBuffer(device.id(), index));
            assertThat(late.outcome().toCompletableFuture()).isNotDone();

            device.queue().answer(request, PAGE);
            assertThat(late.outcome().toCompletableFuture().join()).isZero();
            assertThat(ClientDisk.await(answer)).isEqualTo(PAGE);
            assertThat(unregister(device, index)).isEqualTo(ENOENT);
            assertThat(register(device, shared.server(), 0)).isEqualTo(index);
        }
    }

    @Test
    void aRegistrationWhoseSenderHasGivenUpIsThereWhenTheRequestsAreDone() {
        Control impatient = new Control(lane().driver(), Duration.ofMillis(50));
        try (TestDevice device = live(SHARED, Handler.holding());
                Shared shared = new Shared(lane(), 4L * PAGE);
                ClientDisk disk = device.open()) {
            CompletableFuture<Long> answer =
                    disk.submit(Io.write(0, shared.client().piece(0, PAGE)));
            Seen request = device.queue().awaitSeen(1).getFirst();
            int index;
            try {
                // The driver in Java has nothing to wait for.
                index = impatient.registerBuffer(device.id(), shared.server(), false);
                device.queue().answer(request, PAGE);
            } catch (ControlTimeoutException late) {
                device.queue().answer(request, PAGE);
                index = late.outcome().toCompletableFuture().join();
            }
            assertThat(index).isZero();
            assertThat(ClientDisk.await(answer)).isEqualTo(PAGE);
            assertThat(register(device, shared.server(), 0)).isEqualTo(EEXIST);
            assertThat(unregister(device, index)).isZero();
        }
    }

    @Test
    void aStopWhoseSenderHasGivenUpIsDoneWhenTheRequestsAre() {
        Control impatient = new Control(lane().driver(), Duration.ofMillis(50));
        try (TestDevice device = live(SHARED, Handler.holding())) {
            CompletableFuture<Long> answer;
            ControlTimeoutException late;
            try (ClientDisk disk = device.open();
                    Shared shared = new Shared(lane(), PAGE)) {
                answer = disk.submit(Io.write(0, shared.client().piece(0, PAGE)));
                Seen request = device.queue().awaitSeen(1).getFirst();
                late =
                        catchThrowableOfType(
                                ControlTimeoutException.class, () -> impatient.stop(device.id()));
                device.queue().answer(request, PAGE);
                assertThat(ClientDisk.await(answer)).isEqualTo(PAGE);
                assertThat(late.outcome().toCompletableFuture().join()).isZero();
            }
            assertThat(device.state()).isEqualTo(DeviceState.UBLK_S_DEV_DEAD);
        }
    }

    @Test
    void refusedCommandsLeaveALiveDeviceAtWork() {
        try (TestDevice device = live(SHARED, Handler.agreeing());
                Shared shared = new Shared(lane(), 4L * PAGE);
                ClientDisk disk = device.open()) {
            assertThat(device.register(shared.server(), false)).isZero();
            for (int i = 0; i < 3; i++) {
                assertThat(register(device, shared.server(), 0)).isEqualTo(EEXIST);
                assertThat(unregister(device, 9)).isEqualTo(ENOENT);
                assertThat(unregister(device, -1)).isEqualTo(EINVAL);
                assertThat(register(device, 0, PAGE, 0)).isEqualTo(EFAULT);
            }
            assertThat(disk.run(Io.write(0, shared.client().piece(0, PAGE)))).isEqualTo(PAGE);
        }
    }

    @Test
    @Timeout(500)
    void thereAreSixtyFiveThousandFiveHundredAndThirtySixBuffersAndNotOneMore() {
        long before = lane().pinnedBytes();
        try (Arena arena = Arena.ofShared();
                SharedMemory file = SharedMemory.create("many", (BUFFERS + 1L) * PAGE)) {
            file.reserve();
            MemorySegment all = file.map(arena, false);
            try (TestDevice device = added(SHARED)) {
                MemorySegment payload = arena.allocate(ShmemBufRegLayout.SIZE, 8);
                RawControl raw = raw();
                for (int index = 0; index <= BUFFERS; index++) {
                    long address = all.address() + (long) index * PAGE;
                    ShmemBufRegLayout.write(payload, 0, address, PAGE, 0);
                    int answer = raw.send(ControlCommand.REG_BUF, device.id(), payload);
                    if (answer != (index < BUFFERS ? index : ENOSPC)) {
                        assertThat(answer).as("buffer %d", index).isEqualTo(index);
                    }
                }
                assertThat(lane().pinnedBytes())
                        .isEqualTo(before + (lane().pins() ? (long) BUFFERS * PAGE : 0));
                assertThat(unregister(device, 40_000)).isZero();
                assertThat(raw().send(ControlCommand.REG_BUF, device.id(), payload))
                        .isEqualTo(40_000);
                assertThat(unregister(device, BUFFERS - 1)).isZero();
            }
        }
        Pause.until("every page is unpinned", () -> lane().pinnedBytes() <= before);
    }
}
