package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.conformance.device.Handler;
import dev.ublk4j.conformance.device.QueueLoop;
import dev.ublk4j.conformance.device.Seen;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.driver.MissingFeatureException;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.LeavesData;
import dev.ublk4j.server.Mode;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SharedBuffer;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.server.Target;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** No driver ever sees a count that is not the whole: the server deals with them. */
public abstract class AnswerRules extends LaneRules {
    private static final long SIZE = 4L << 20;
    private static final int BYTES = 64 * 1024;
    private static final int AT = 8192;

    /** What is done of a request at a time, at most. */
    private static final int PART = 5632;

    private static final DeviceOptions OPTIONS =
            DeviceOptions.defaults().withDepth(8).with(Feature.NO_AUTO_PART_SCAN);

    protected AnswerRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    /** How the data of requests travels. */
    enum Way {
        COPIED(OPTIONS),
        USER_COPY(OPTIONS.with(Feature.USER_COPY)),
        GET_DATA(mode("get-data")),
        SHARED(OPTIONS.with(Feature.SHMEM_ZC)),
        REGISTERED(mode("zero-copy")),
        REGISTERED_BY_HAND(mode("manual-zero-copy")),
        COPIED_IN_BATCHES(mode("copy,batch")),
        USER_COPY_IN_BATCHES(mode("user-copy,batch")),
        REGISTERED_IN_BATCHES(mode("zero-copy,batch"));

        private final DeviceOptions options;

        Way(DeviceOptions options) {
            this.options = options;
        }

        private static DeviceOptions mode(String mode) {
            return OPTIONS.with(Mode.parse(mode));
        }

        boolean registers() {
            return Feature.SUPPORT_ZERO_COPY.in(options.features());
        }
    }

    /**
     * A disk in a memfd whose I/O moves a part of what is asked, and answers what the kernel did.
     */
    private static final class ShortTarget implements SimpleTarget, LeavesData {
        private final SharedMemory disk = SharedMemory.create("short", SIZE);

        @Override
        public Geometry geometry() {
            return Geometry.ofSize(SIZE);
        }

        @Override
        public int read(Request request) {
            return move(request);
        }

        @Override
        public int write(Request request) {
            return move(request);
        }

        private int move(Request request) {
            Fd fd = disk.fd();
            Queue queue = request.queue();
            int length = (int) Math.min(request.length(), PART);
            int buffer = request.fixedBuffer();
            long address = request.address();
            long userData = queue.userData(request, Request::complete);
            boolean reads = request.operation() == Operation.READ;
            if (buffer < 0 && reads) {
                queue.ring().read(fd.number(), address, length, request.offset(), userData);
            } else if (buffer < 0) {
                queue.ring().write(fd.number(), address, length, request.offset(), userData);
            } else if (reads) {
                queue.ring()
                        .readFixed(
                                fd.number(), address, length, request.offset(), buffer, userData);
            } else {
                queue.ring()
                        .writeFixed(
                                fd.number(), address, length, request.offset(), buffer, userData);
            }
            return Request.PENDING;
        }

        @Override
        public void close() {
            disk.close();
        }
    }

    /** Answers all requests with one number. */
    private record Stubborn(int answer) implements SimpleTarget, SimpleTarget.Discards, LeavesData {
        @Override
        public Geometry geometry() {
            return Geometry.ofSize(SIZE).withForcedUnitAccess().withDiscard(PAGE);
        }

        @Override
        public int read(Request request) {
            return answer;
        }

        @Override
        public int write(Request request) {
            return answer;
        }

        @Override
        public int flush(Request request) {
            return answer;
        }

        @Override
        public int discard(Request request) {
            return answer;
        }
    }

    private Device startOrSkip(Way way, Target target) {
        try {
            return Device.start(lane().driver(), target, way.options);
        } catch (MissingFeatureException e) {
            assumeTrue(false, e.getMessage());
            throw e;
        }
    }

    private Device start(Way way, Target target) {
        Device device = startOrSkip(way, target);
        long features = device.info().flags();
        if ((features & way.options.features()) != way.options.features()) {
            device.close();
            assumeTrue(false, "the driver does not have this way");
        }
        return device;
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void whatIsShortIsAskedForTheRest(Way way) {
        try (SharedMemory memory = SharedMemory.create("answers", 2 * BYTES);
                Arena arena = Arena.ofShared();
                Device device = start(way, new ShortTarget());
                ClientArea area = lane().area(memory.map(arena, false));
                ClientDisk disk = lane().openDisk(device.id());
                SharedBuffer _ =
                        way == Way.SHARED ? device.share(memory.map(arena, false), false) : null) {
            MemorySegment sent = pattern(area.memory().asSlice(0, BYTES), 7);
            assertThat(disk.run(Io.write(AT, area.piece(0, BYTES)))).isEqualTo(BYTES);
            assertThat(disk.run(Io.read(AT, area.piece(BYTES, BYTES)))).isEqualTo(BYTES);
            assertThat(area.memory().asSlice(BYTES, BYTES).mismatch(sent)).isEqualTo(-1);
            assertThat(device.counters().sharedRequests()).isEqualTo(way == Way.SHARED ? 2 : 0);
            assertThat(device.counters().registeredRequests()).isEqualTo(way.registers() ? 2 : 0);
        }
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void whatCannotBeIsAnError(Way way) {
        for (int answer : new int[] {0, 511, PAGE + 1, PAGE + 512, -4096, Integer.MAX_VALUE}) {
            try (SharedMemory memory = SharedMemory.create("answers", PAGE);
                    Arena arena = Arena.ofShared();
                    Device device = start(way, new Stubborn(answer));
                    ClientArea area = lane().area(memory.map(arena, false));
                    ClientDisk disk = lane().openDisk(device.id())) {
                assertThat(disk.run(Io.write(0, area.piece(0, PAGE))))
                        .as("a write answered %d", answer)
                        .isEqualTo(EIO);
                assertThat(disk.run(Io.read(0, area.piece(0, PAGE))))
                        .as("a read answered %d", answer)
                        .isEqualTo(EIO);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {511, PAGE + 1, -4096, Integer.MIN_VALUE + 1})
    void whatCannotBeIsAnErrorOfFlushesAndDiscardsToo(int answer) {
        try (Device device = start(Way.COPIED, new Stubborn(answer));
                ClientDisk disk = lane().openDisk(device.id())) {
            assertThat(disk.run(Io.flush())).isEqualTo(EIO);
            assertThat(disk.run(Io.discard(0, PAGE))).isEqualTo(EIO);
        }
    }

    @ParameterizedTest
    @CsvSource({"false, false", "false, true", "true, false", "true, true"})
    void whatIsCommittedInPartComesAgainForTheRestOrIsDone(boolean userCopy, boolean write) {
        Shape shape = userCopy ? Shape.plain().with(Feature.USER_COPY) : Shape.plain();
        try (TestDevice device = live(shape, Handler.holding());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = device.open()) {
            QueueLoop queue = device.queue();
            Io io = write ? Io.write(PAGE, area.all()) : Io.read(PAGE, area.all());
            CompletableFuture<Long> done = disk.submit(io);
            queue.answer(queue.awaitSeen(1).getFirst(), 1024);
            if ((userCopy || write) && !asksForTheRest()) {
                assertThat(ClientDisk.await(done)).isEqualTo(PAGE);
                return;
            }
            Seen rest = queue.awaitSeen(2).get(1);
            assertThat(rest.sector()).isEqualTo(10);
            assertThat(rest.bytes()).isEqualTo(PAGE - 1024);
            queue.answer(rest, 5);
            Seen odd = queue.awaitSeen(3).get(2);
            assertThat(odd.sector()).as("of a part of a sector").isEqualTo(10);
            assertThat(odd.bytes()).isEqualTo(PAGE - 1024 - 512);
            queue.answer(odd, Errno.EIO.negated());
            assertThat(ClientDisk.await(done)).isEqualTo(EIO);
        }
    }

    @Test
    void aWriteThatHasDoneNothingComesAgainOrIsDoneAndAReadFails() {
        try (TestDevice device = live(Shape.plain(), Handler.holding());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = device.open()) {
            QueueLoop queue = device.queue();
            CompletableFuture<Long> write = disk.submit(Io.write(0, area.all()));
            queue.answer(queue.awaitSeen(1).getFirst(), 0);
            if (asksForTheRest()) {
                Seen again = queue.awaitSeen(2).get(1);
                assertThat(again.what()).isEqualTo(queue.seen().getFirst().what());
                queue.answer(again, PAGE);
            }
            assertThat(ClientDisk.await(write)).isEqualTo(PAGE);
            int before = queue.seen().size();
            CompletableFuture<Long> read = disk.submit(Io.read(0, area.all()));
            queue.answer(queue.awaitSeen(before + 1).getLast(), 0);
            assertThat(ClientDisk.await(read)).isEqualTo(EIO);
        }
    }

    @Test
    void aDiscardIsDoneByItsLengthAsByZero() {
        for (int answer : new int[] {0, PAGE}) {
            try (Device device = start(Way.COPIED, new Stubborn(answer));
                    ClientDisk disk = lane().openDisk(device.id())) {
                assertThat(disk.run(Io.discard(0, PAGE))).isNotNegative();
            }
        }
    }
}
