package dev.ublk4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.BlockingTarget;
import dev.ublk4j.server.Completion;
import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.ForwardingTargetQueue;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import dev.ublk4j.uring.Ring;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that are made of parts, by layers that are right and by layers that are not. */
class PartsTest {
    private static final int MANY = 20_000;
    private static final int BLOCK = 512;

    /** A layer over one target. */
    private static final class Over extends ForwardingTarget {
        private final Function<TargetQueue, TargetQueue> layer;

        Over(Target leg, Function<TargetQueue, TargetQueue> layer) {
            super(leg);
            this.layer = layer;
        }

        @Override
        public TargetQueue open(Queue queue) {
            TargetQueue below = super.open(queue);
            TargetQueue above = layer.apply(below);
            return new ForwardingTargetQueue(below) {
                @Override
                public void submit(Request request) {
                    above.submit(request);
                }
            };
        }
    }

    /** Moves no data, and notes where and how it was asked. */
    private static final class Noting implements SimpleTarget {
        final List<Long> offsets = new ArrayList<>();
        final List<Boolean> durable = new ArrayList<>();

        @Override
        public Geometry geometry() {
            return Geometry.ofSize(RamDisk.SIZE).withVolatileCache().withForcedUnitAccess();
        }

        @Override
        public int read(Request request) {
            return (int) request.length();
        }

        @Override
        public int write(Request request) {
            offsets.add(request.offset());
            durable.add(request.forcesUnitAccess());
            return (int) request.length();
        }
    }

    /** A disk of which other threads do the requests. */
    private static final class Slow implements BlockingTarget {
        @Override
        public Geometry geometry() {
            return Geometry.ofSize(RamDisk.SIZE);
        }

        @Override
        public int read(Request request) {
            return (int) request.length();
        }

        @Override
        public int write(Request request) {
            return (int) request.length();
        }
    }

    /** Sends part after part, each when the last has ended. */
    private static void next(Request request, TargetQueue leg, int number) {
        Completion then =
                (part, result) -> {
                    if (number < MANY) {
                        next(part.parent(), leg, number + 1);
                    }
                    return result;
                };
        request.part(0, BLOCK).at((long) number % 64 * BLOCK).then(then).submitTo(leg);
    }

    private static int write(TestBed bed, int bytes) {
        MemorySegment data = bed.memory(bytes);
        return (int) bed.submit(request -> request.write(0).add(data)).result();
    }

    private static void stops(TestBed bed) throws Exception {
        Void _ = bed.beginStop().get(2, TimeUnit.MINUTES);
    }

    @Test
    void aChainOfPartsOverATargetThatEndsThemAtOnceEndsInOrder() throws Exception {
        Noting leg = new Noting();
        try (TestBed bed = TestBed.of(new Over(leg, below -> r -> next(r, below, 1)))) {
            assertThat(write(bed, BLOCK)).isEqualTo(BLOCK);
            assertThat(write(bed, BLOCK)).isEqualTo(BLOCK);
            stops(bed);
        }
        List<Long> once =
                IntStream.rangeClosed(1, MANY).mapToObj(n -> (long) n % 64 * BLOCK).toList();
        assertThat(leg.offsets.subList(0, MANY)).isEqualTo(once);
        assertThat(leg.offsets.subList(MANY, 2 * MANY)).isEqualTo(once);
    }

    @Test
    void requestsThatEndEachOtherInTurnAllEnd() throws Exception {
        List<Request> waiting = new ArrayList<>();
        TargetQueue keeping = waiting::add;
        Completion endNext =
                (_, result) -> {
                    if (!waiting.isEmpty()) {
                        waiting.removeLast().complete(BLOCK);
                    }
                    return result;
                };
        TargetQueue layer =
                request -> {
                    for (int part = 0; part < MANY; part++) {
                        request.part(0, BLOCK).then(endNext).submitTo(keeping);
                    }
                    waiting.removeLast().complete(BLOCK);
                };
        try (TestBed bed = TestBed.of(new Over(new Noting(), _ -> layer))) {
            assertThat(write(bed, BLOCK)).isEqualTo(BLOCK);
            stops(bed);
        }
    }

    @Test
    void aLayerThatSendsPartsToItselfForeverFailsTheRequest() throws Exception {
        TargetQueue[] self = new TargetQueue[1];
        self[0] = request -> request.part(0, request.length()).submitTo(self[0]);
        try (TestBed bed = TestBed.of(new Over(new Noting(), _ -> self[0]))) {
            assertThat(write(bed, BLOCK)).isEqualTo(Errno.EIO.negated());
            assertThat(write(bed, BLOCK)).isEqualTo(Errno.EIO.negated());
            stops(bed);
        }
    }

    private enum Overflow {
        SUBMIT,
        COMPLETION,
        RECURSION,
        TEXT
    }

    private static void partsForever(Request request, int depth) {
        request.part(0, 0).submitTo(part -> part.complete(0));
        partsForever(request, depth + 1);
    }

    private static int forever(int depth) {
        return forever(depth + 1) + 1;
    }

    private static final class Untold extends RuntimeException {
        private static final long serialVersionUID = 1L;

        @Override
        public String toString() {
            throw new IllegalStateException("no text");
        }
    }

    @ParameterizedTest
    @EnumSource(Overflow.class)
    void aRequestEndsWhateverIsThrown(Overflow place) throws Exception {
        Function<TargetQueue, TargetQueue> layer =
                below ->
                        request -> {
                            TargetQueue throwing =
                                    part -> {
                                        switch (place) {
                                            case SUBMIT -> part.complete(forever(0));
                                            case COMPLETION -> below.submit(part);
                                            case RECURSION -> partsForever(part, 0);
                                            case TEXT -> throw new Untold();
                                        }
                                    };
                            Completion then =
                                    (_, result) ->
                                            place == Overflow.COMPLETION ? forever(0) : result;
                            request.part(0, BLOCK).then(then).submitTo(throwing);
                        };
        try (TestBed bed = TestBed.of(new Over(new Noting(), layer))) {
            for (int turn = 0; turn < 100; turn++) {
                assertThat(write(bed, BLOCK)).isEqualTo(Errno.EIO.negated());
            }
            stops(bed);
        }
    }

    private static void completeFrom(int first, List<Long> ids, Queue queue) {
        if (first < ids.size()) {
            queue.complete(ids.get(first), BLOCK);
            completeFrom(first + 1, ids, queue);
        }
    }

    @Test
    void partsThatAreCompletedWhereTheStackIsFullEnd() throws Exception {
        List<Long> ids = new ArrayList<>();
        TargetQueue layer =
                request -> {
                    ids.clear();
                    for (int part = 0; part < MANY; part++) {
                        request.part(0, BLOCK)
                                .then((_, result) -> result)
                                .submitTo(sent -> ids.add(sent.id()));
                    }
                    try {
                        completeFrom(0, ids, request.queue());
                    } catch (StackOverflowError _) {
                        // Those of which it is not known are completed again.
                    }
                    for (long id : ids) {
                        try {
                            request.queue().complete(id, BLOCK);
                        } catch (IllegalStateException _) {
                            // It had been completed.
                        }
                    }
                };
        try (TestBed bed = TestBed.of(new Over(new Noting(), _ -> layer))) {
            for (int turn = 0; turn < 10; turn++) {
                assertThat(write(bed, BLOCK)).isIn(BLOCK, Errno.EIO.negated());
            }
            stops(bed);
        }
    }

    /**
     * Completes a request some frames below the end of the stack, and again so many frames further
     * up until it ends.
     *
     * @return how many frames there are to go until the next attempt
     */
    private static int completeAtTheEnd(Request request, long id, int frames) {
        int left;
        try {
            left = completeAtTheEnd(request, id, frames);
        } catch (StackOverflowError _) {
            left = frames;
        }
        if (left == 0) {
            try {
                request.queue().complete(id, BLOCK);
            } catch (StackOverflowError _) {
                return frames;
            } catch (IllegalStateException _) {
                // It has been completed.
            }
        }
        return left - 1;
    }

    @Test
    void aRequestOfTheDriverThatIsCompletedWhereTheStackIsFullEnds() throws Exception {
        AtomicInteger turns = new AtomicInteger();
        TargetQueue target =
                request -> completeAtTheEnd(request, request.id(), turns.incrementAndGet() % 50);
        try (TestBed bed = TestBed.of(new Over(new Noting(), _ -> target))) {
            for (int turn = 0; turn < 100; turn++) {
                assertThat(write(bed, BLOCK)).isIn(BLOCK, Errno.EIO.negated());
            }
            stops(bed);
        }
    }

    @Test
    void ioForWhichATargetMakesRoomItselfReachesItsFaults(@TempDir Path folder) throws IOException {
        Path file = Files.createFile(folder.resolve("disk"));
        Files.write(file, new byte[RingDisk.SIZE]);
        Function<TargetQueue, TargetQueue> layer =
                below ->
                        request -> {
                            for (int at = 0; at < request.length(); at += BLOCK) {
                                request.queue().reserve(16);
                                request.part(at, BLOCK).submitTo(below);
                            }
                        };
        try (TestBed bed = TestBed.of(new Over(new RingDisk(file), layer))) {
            assertThat(write(bed, 400 * BLOCK)).isEqualTo(400 * BLOCK);
            bed.faults().writes().fail(Errno.ENOSPC);
            assertThat(write(bed, 400 * BLOCK)).isEqualTo(Errno.ENOSPC.negated());
        }
    }

    @Test
    void nothingIsPreparedForTheDriverWhileATargetIsCalled() throws Exception {
        List<Integer> prepared = new ArrayList<>();
        TargetQueue target =
                request -> {
                    Ring ring = request.queue().ring();
                    int before = ring.preparedSoFar();
                    request.complete(BLOCK);
                    prepared.add(ring.preparedSoFar() - before);
                };
        try (TestBed bed = TestBed.of(new Over(new Noting(), _ -> target))) {
            assertThat(write(bed, BLOCK)).isEqualTo(BLOCK);
        }
        assertThat(prepared).containsExactly(0);
    }

    private enum Unsent {
        HANDED_OVER,
        NEVER,
        AFTER_ANOTHER,
        BEFORE_ANOTHER,
        IN_A_COMPLETION
    }

    private static void misuse(Unsent how, Request request, TargetQueue leg) {
        switch (how) {
            case HANDED_OVER -> leg.submit(request.part(0, 2 * BLOCK));
            case NEVER -> {
                Request _ = request.part(0, 2 * BLOCK);
            }
            case AFTER_ANOTHER -> {
                request.part(0, BLOCK).submitTo(leg);
                leg.submit(request.part(BLOCK, BLOCK));
            }
            case BEFORE_ANOTHER -> {
                Request _ = request.part(0, BLOCK);
                request.part(BLOCK, BLOCK).submitTo(leg);
            }
            case IN_A_COMPLETION ->
                    request.part(0, BLOCK)
                            .then((part, result) -> {
                                Request _ = part.parent().part(BLOCK, BLOCK);
                                return result;
                            })
                            .submitTo(leg);
        }
    }

    @ParameterizedTest
    @EnumSource(Unsent.class)
    void aPartThatIsNotSentFailsTheRequest(Unsent how) throws Exception {
        for (Target leg : List.of(new Noting(), new Slow())) {
            try (TestBed bed = TestBed.of(new Over(leg, below -> r -> misuse(how, r, below)))) {
                for (int turn = 0; turn < 20; turn++) {
                    assertThat(write(bed, 2 * BLOCK)).isEqualTo(Errno.EIO.negated());
                }
                stops(bed);
            }
        }
    }

    @Test
    void aPartThatIsCompletedBeforeItIsSentSaysSo() {
        List<String> said = new ArrayList<>();
        TargetQueue layer =
                request -> {
                    Request part = request.part(0, BLOCK);
                    try {
                        part.complete(BLOCK);
                    } catch (IllegalStateException e) {
                        said.add(e.getMessage());
                    }
                    part.submitTo(sent -> sent.complete(BLOCK));
                };
        try (TestBed bed = TestBed.of(new Over(new Noting(), _ -> layer))) {
            assertThat(write(bed, BLOCK)).isEqualTo(BLOCK);
            assertThat(write(bed, BLOCK)).isEqualTo(BLOCK);
        }
        assertThat(said)
                .hasSize(2)
                .allSatisfy(text -> assertThat(text).contains("was never sent; use"));
    }

    @Test
    void aPartWithDataOfItsOwnIsDurableWhereItWritesForOneThatIs() {
        Noting leg = new Noting();
        TestBed[] beds = new TestBed[1];
        Function<TargetQueue, TargetQueue> layer =
                below ->
                        request -> {
                            MemorySegment own = beds[0].memory(BLOCK);
                            request.part(Operation.WRITE, 0, own).submitTo(below);
                        };
        try (TestBed bed = TestBed.of(new Over(leg, layer))) {
            beds[0] = bed;
            MemorySegment data = bed.memory(BLOCK);
            bed.submit(request -> request.write(0).add(data)).check();
            bed.submit(request -> request.writeThrough(0).add(data)).check();
        }
        assertThat(leg.durable).containsExactly(false, true);
    }

    /** More I/O for each turn than the ring of a queue has entries. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void moreIoThanTheRingHasEntriesReachesItsFaults(boolean fails, @TempDir Path folder)
            throws IOException {
        Path file = Files.createFile(folder.resolve("disk"));
        Files.write(file, new byte[RingDisk.SIZE]);
        Function<TargetQueue, TargetQueue> layer =
                below ->
                        request -> {
                            for (int at = 0; at < request.length(); at += BLOCK) {
                                request.part(at, BLOCK).submitTo(below);
                            }
                        };
        try (TestBed bed = TestBed.of(new Over(new RingDisk(file), layer))) {
            int bytes = 400 * BLOCK;
            if (fails) {
                bed.faults().writes().fail(Errno.ENOSPC);
            }
            assertThat(write(bed, bytes)).isEqualTo(fails ? Errno.ENOSPC.negated() : bytes);
            assertThat(bed.read(0, bytes)).hasSize(bytes);
        }
    }
}
