package dev.ublk4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.BlockingTarget;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.LongToIntFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the counts come to that targets answer: on every way of data, by every way to answer. */
class AnswerTest {
    private static final int SIZE = 1 << 20;
    private static final int LENGTH = 16384;
    private static final int AT = 3 * 4096;
    private static final int EIO = Errno.EIO.negated();

    /** How the data of requests travels. */
    enum Way {
        COPIED,
        USER_COPY,
        SHARED
    }

    /** How the target answers. */
    enum Manner {
        RETURNED,
        COMPLETED_BY_ITS_OWN_THREAD,
        COMPLETED_BY_ANOTHER,
        BLOCKING,
        RESUMED
    }

    static Stream<Arguments> waysAndManners() {
        return Stream.of(Way.values())
                .flatMap(
                        way -> Stream.of(Manner.values()).map(manner -> Arguments.of(way, manner)));
    }

    /** Does so much of each request as its answer says, and notes what it was asked. */
    private static class Partial
            implements SimpleTarget, SimpleTarget.Discards, SimpleTarget.WritesZeroes {
        final Arena arena = Arena.ofShared();
        final MemorySegment bytes = arena.allocate(SIZE);
        final List<String> asked = Collections.synchronizedList(new ArrayList<>());
        private final int[] answers = new int[64];
        private final Manner manner;
        private final LongToIntFunction answer;
        int blockSize = 512;

        /** Whether data is handed over at one go, which only the whole of it can be. */
        boolean atOneGo;

        Partial(Manner manner, LongToIntFunction answer) {
            this.manner = manner;
            this.answer = answer;
        }

        @Override
        public Geometry geometry() {
            return Geometry.ofSize(SIZE)
                    .withBlockSize(blockSize)
                    .withForcedUnitAccess()
                    .withDiscard(4096)
                    .withWriteZeroes();
        }

        @Override
        public int read(Request request) {
            int count = count(request);
            if (atOneGo) {
                request.copyFrom(bytes, request.offset());
            } else {
                long done = done(count, request);
                MemorySegment.copy(bytes, request.offset(), request.data(), 0, done);
                request.data().asSlice(done).fill((byte) 0xee);
            }
            return answer(request, count);
        }

        @Override
        public int write(Request request) {
            int count = count(request);
            if (atOneGo) {
                request.copyTo(bytes, request.offset());
                bytes.asSlice(
                                request.offset() + done(count, request),
                                request.length() - done(count, request))
                        .fill((byte) 0xee);
            } else {
                MemorySegment.copy(
                        request.data(), 0, bytes, request.offset(), done(count, request));
            }
            return answer(request, count);
        }

        @Override
        public int flush(Request request) {
            return answer(request, count(request));
        }

        @Override
        public int discard(Request request) {
            int count = count(request);
            long done = count == 0 ? request.length() : done(count, request);
            bytes.asSlice(request.offset(), done).fill((byte) 0);
            return answer(request, count);
        }

        @Override
        public int writeZeroes(Request request) {
            return discard(request);
        }

        private int count(Request request) {
            asked.add(request.offset() + "+" + request.length());
            return answer.applyAsInt(request.length());
        }

        private static long done(int count, Request request) {
            return Math.clamp(count, 0, request.length());
        }

        private int answer(Request request, int count) {
            long id = request.id();
            Queue queue = request.queue();
            switch (manner) {
                case RETURNED, BLOCKING -> {
                    return count;
                }
                case COMPLETED_BY_ITS_OWN_THREAD -> queue.complete(id, count);
                case COMPLETED_BY_ANOTHER -> {
                    Thread _ = Thread.startVirtualThread(() -> queue.complete(id, count));
                }
                case RESUMED -> {
                    answers[request.tag()] = count;
                    queue.ring()
                            .nop(
                                    queue.userData(
                                            request,
                                            (asked, _) -> asked.complete(answers[asked.tag()])));
                }
            }
            return Request.PENDING;
        }

        @Override
        public void close() {
            arena.close();
        }
    }

    /** The same on virtual threads. */
    private static final class Blocking extends Partial implements BlockingTarget {
        Blocking(LongToIntFunction answer) {
            super(Manner.BLOCKING, answer);
        }
    }

    private static Partial partial(Manner manner, LongToIntFunction answer) {
        return manner == Manner.BLOCKING ? new Blocking(answer) : new Partial(manner, answer);
    }

    private static DeviceOptions options(Way way) {
        return way == Way.USER_COPY ? TestBed.options().with(Feature.USER_COPY) : TestBed.options();
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(4711).nextBytes(bytes);
        return bytes;
    }

    /** What a client asks for, and where its data is. */
    private static final class Client {
        private final TestBed bed;
        private final Way way;
        private final SharedArea area;
        final MemorySegment memory;

        Client(TestBed bed, Way way) {
            this.bed = bed;
            this.way = way;
            this.area = bed.share(2 * LENGTH);
            this.memory =
                    way == Way.SHARED
                            ? area.client().memory().asSlice(4096, LENGTH)
                            : bed.memory(LENGTH);
        }

        long read() {
            return bed.submit(request -> data(request.read(AT))).result();
        }

        long write() {
            return bed.submit(request -> data(request.write(AT))).result();
        }

        private void data(DiskRequest request) {
            if (way == Way.SHARED) {
                request.add(area.client(), 4096, LENGTH);
            } else {
                request.add(memory);
            }
        }

        void checkWay(int requests) {
            assertThat(bed.device().counters().sharedRequests())
                    .isEqualTo(way == Way.SHARED ? requests : 0);
        }
    }

    @ParameterizedTest
    @MethodSource("waysAndManners")
    void aWriteThatIsShortIsAskedForTheRest(Way way, Manner manner) {
        Partial target = partial(manner, length -> (int) Math.min(length, 5632));
        byte[] data = random(LENGTH);
        try (TestBed bed = TestBed.of(target, options(way))) {
            Client client = new Client(bed, way);
            client.memory.copyFrom(MemorySegment.ofArray(data));

            assertThat(client.write()).isEqualTo(LENGTH);
            assertThat(target.bytes.asSlice(AT, LENGTH).toArray(ValueLayout.JAVA_BYTE))
                    .isEqualTo(data);
            assertThat(target.asked).containsExactly("12288+16384", "17920+10752", "23552+5120");
            client.checkWay(1);
        }
    }

    @ParameterizedTest
    @MethodSource("waysAndManners")
    void aReadThatIsShortIsAskedForTheRest(Way way, Manner manner) {
        Partial target = partial(manner, length -> (int) Math.min(length, 5632));
        byte[] data = random(LENGTH);
        target.bytes.asSlice(AT, LENGTH).copyFrom(MemorySegment.ofArray(data));
        try (TestBed bed = TestBed.of(target, options(way))) {
            Client client = new Client(bed, way);

            assertThat(client.read()).isEqualTo(LENGTH);
            assertThat(client.memory.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(data);
            assertThat(target.asked).containsExactly("12288+16384", "17920+10752", "23552+5120");
            client.checkWay(1);
        }
    }

    @ParameterizedTest
    @MethodSource("waysAndManners")
    void dataThatIsHandedOverAtOneGoMayBeAnsweredInPartsToo(Way way, Manner manner) {
        Partial target = partial(manner, length -> (int) Math.min(length, 5632));
        target.atOneGo = true;
        byte[] data = random(LENGTH);
        try (TestBed bed = TestBed.of(target, options(way))) {
            Client client = new Client(bed, way);
            client.memory.copyFrom(MemorySegment.ofArray(data));
            assertThat(client.write()).isEqualTo(LENGTH);
            client.memory.fill((byte) 0);
            assertThat(client.read()).isEqualTo(LENGTH);
            assertThat(client.memory.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(data);
        }
    }

    @ParameterizedTest
    @MethodSource("waysAndManners")
    void aDiscardThatIsShortIsAskedForTheRest(Way way, Manner manner) {
        Partial target = partial(manner, length -> (int) Math.min(length, 6144));
        target.bytes.fill((byte) 1);
        try (TestBed bed = TestBed.of(target, options(way))) {
            bed.discard(0, 16384);
            bed.writeZeroes(16384, 8192);

            assertThat(
                            target.bytes
                                    .asSlice(0, 24576)
                                    .mismatch(MemorySegment.ofArray(new byte[24576])))
                    .isEqualTo(-1);
            assertThat(target.asked)
                    .containsExactly(
                            "0+16384", "6144+10240", "12288+4096", "16384+8192", "22528+2048");
        }
    }

    @ParameterizedTest
    @MethodSource("waysAndManners")
    void anAnswerThatCannotBeFailsTheRequest(Way way, Manner manner) {
        for (int answer :
                new int[] {
                    LENGTH + 512, LENGTH + 1, 0, 1, 511, Integer.MAX_VALUE, -4096, -1_000_000
                }) {
            try (TestBed bed = TestBed.of(partial(manner, _ -> answer), options(way))) {
                Client client = new Client(bed, way);
                assertThat(client.write()).as("write, %d", answer).isEqualTo(EIO);
                assertThat(client.read()).as("read, %d", answer).isEqualTo(EIO);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {LENGTH + 512, 1, 511, Integer.MAX_VALUE, -4096})
    void anAnswerThatCannotBeFailsRequestsWithoutData(int answer) {
        Partial target = new Partial(Manner.RETURNED, _ -> answer);
        try (TestBed bed = TestBed.of(target)) {
            assertThat(bed.submit(DiskRequest::flush).result()).isEqualTo(EIO);
            assertThat(bed.submit(request -> request.discard(0, LENGTH)).result()).isEqualTo(EIO);
            assertThat(bed.submit(request -> request.writeZeroes(0, LENGTH, true)).result())
                    .isEqualTo(EIO);
        }
    }

    @Test
    void aRequestWithoutDataIsDoneByItsLengthAsByZero() {
        Partial target = new Partial(Manner.RETURNED, length -> (int) length);
        try (TestBed bed = TestBed.of(target)) {
            assertThat(bed.submit(DiskRequest::flush).result()).isZero();
            assertThat(bed.submit(request -> request.discard(0, LENGTH)).result()).isNotNegative();
            assertThat(target.asked).hasSize(2);
        }
    }

    @Test
    void aPendingAnswerOfACompletionIsNone() {
        Partial target = new Partial(Manner.COMPLETED_BY_ANOTHER, _ -> Request.PENDING);
        try (TestBed bed = TestBed.of(target)) {
            assertThat(new Client(bed, Way.COPIED).write()).isEqualTo(EIO);
        }
    }

    @Test
    void theRestBeginsWithTheBlockThatIsNotWhole() {
        Partial target = new Partial(Manner.RETURNED, length -> (int) Math.min(length, 5000));
        byte[] data = random(LENGTH);
        target.blockSize = 4096;
        try (TestBed bed = TestBed.of(target)) {
            bed.write(AT, data);
            assertThat(bed.read(AT, LENGTH)).isEqualTo(data);
            assertThat(target.asked.subList(0, 4))
                    .containsExactly("12288+16384", "16384+12288", "20480+8192", "24576+4096");
        }
    }

    @Test
    void anErrnoOfTheRestIsThatOfTheRequest() {
        Partial target =
                new Partial(
                        Manner.RETURNED,
                        length -> length == LENGTH ? 4096 : Errno.ENOSPC.negated());
        try (TestBed bed = TestBed.of(target)) {
            assertThat(new Client(bed, Way.COPIED).write()).isEqualTo(Errno.ENOSPC.negated());
        }
    }

    @ParameterizedTest
    @MethodSource("waysAndManners")
    void aBlockAtATimeIsSlowAndRight(Way way, Manner manner) {
        Partial target = partial(manner, _ -> 512);
        byte[] data = random(128 * 1024);
        try (TestBed bed = TestBed.of(target, options(way))) {
            bed.write(0, data);
            assertThat(bed.read(0, data.length)).isEqualTo(data);
            assertThat(target.asked).hasSize(2 * 256);
            assertThat(bed.device().statistics().failed()).isZero();
        }
    }

    @Test
    void thousandsOfRestsDoNotDeepenTheStack() {
        Partial target = new Partial(Manner.RETURNED, _ -> 512);
        DeviceOptions options = TestBed.options().withMaxIo(SIZE).withDepth(2);
        byte[] data = random(SIZE);
        try (TestBed bed = TestBed.of(target, options)) {
            bed.write(0, data);
            bed.discard(0, SIZE);
            assertThat(bed.read(0, SIZE)).isEqualTo(new byte[SIZE]);
            assertThat(target.asked).hasSize(3 * 2048);
        }
    }

    @Test
    void aLateAnswerToThePartDoesNotAnswerTheRest() {
        List<Long> ids = Collections.synchronizedList(new ArrayList<>());
        Partial target =
                new Partial(Manner.RETURNED, length -> (int) Math.min(length, 8192)) {
                    @Override
                    public int write(Request request) {
                        ids.add(request.id());
                        if (ids.size() == 2) {
                            try {
                                request.queue().complete(ids.getFirst(), 8192);
                            } catch (IllegalStateException e) {
                                ids.add(-1L);
                            }
                        }
                        return super.write(request);
                    }
                };
        try (TestBed bed = TestBed.of(target)) {
            assertThat(new Client(bed, Way.COPIED).write()).isEqualTo(LENGTH);
            assertThat(ids).hasSize(3).endsWith(-1L).doesNotHaveDuplicates();
        }
    }
}
