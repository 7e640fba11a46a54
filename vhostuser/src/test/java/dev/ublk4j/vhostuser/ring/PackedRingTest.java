package dev.ublk4j.vhostuser.ring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.vhostuser.ring.PackedDriver.Answer;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A packed ring, seen from the guest's end and from what a dead process leaves. */
final class PackedRingTest {
    private static final int SIZE = 8;
    private static final int FREE_HEADS = 12;
    private static final int USED = 16;

    private final PackedWorld world = new PackedWorld(SIZE);
    private final PackedDriver driver = world.driver;

    @Test
    void answersStayOutOfSightUntilAllOfThemAreThere() {
        world.offer(4, 2);
        world.offer(5, 1);
        world.popExpecting(4);
        world.assertChain(4, 2);
        world.popExpecting(5);
        world.popExpecting(Vring.NONE);
        world.ring.push(5, 7);
        world.ring.push(4, 0);
        assertThat(driver.take()).isNull();
        assertThat(world.ring.publish()).isTrue();
        assertThat(driver.take()).isEqualTo(new Answer(5, 7));
        assertThat(driver.take()).isEqualTo(new Answer(4, 0));
        assertThat(driver.take()).isNull();
        assertThat(world.ring.publish()).as("with nothing new").isFalse();
    }

    @Test
    void aKickIsAskedForWhereTheNextRequestIsToBe() {
        for (int lap = 0; lap < 5; lap++) {
            world.offer(1, 3);
            assertThat(world.ring.enableKicks()).as("there is one").isTrue();
            answer(1);
            assertThat(world.ring.enableKicks()).isFalse();
            assertThat(driver.deviceEvent())
                    .isEqualTo(PackedDriver.ONE_EVENT << 16 | driver.nextWord());
            world.ring.disableKicks();
            assertThat(driver.deviceEvent()).isEqualTo(PackedDriver.NO_EVENTS << 16);
        }
        PackedRing plain = world.openAlone(false, world.ring.base());
        assertThat(plain.enableKicks()).isFalse();
        assertThat(driver.deviceEvent()).isEqualTo(PackedDriver.EVENTS);
    }

    private void answer(int id) {
        world.popExpecting(id);
        world.ring.push(id, 1);
        boolean _ = world.ring.publish();
        assertThat(driver.take()).isEqualTo(new Answer(id, 1));
    }

    @Test
    void theGuestIsCalledForTheAnswerThatItWaitsFor() {
        assertThat(isCalledFor(PackedDriver.EVENTS, 0)).isTrue();
        assertThat(isCalledFor(PackedDriver.NO_EVENTS, 0)).isFalse();
        for (int lap = 0; lap < 5; lap++) {
            int here = driver.usedWord();
            assertThat(isCalledFor(PackedDriver.ONE_EVENT, here)).isTrue();
            assertThat(isCalledFor(PackedDriver.ONE_EVENT, here)).as("it is over").isFalse();
            int next = driver.usedWord() ^ 1 << 15;
            assertThat(isCalledFor(PackedDriver.ONE_EVENT, next)).as("in the next lap").isFalse();
        }
        assertThat(isCalledFor(PackedDriver.ONE_EVENT, SIZE)).as("beyond the ring").isTrue();
        assertThat(isCalledFor(3, 0)).as("no kind of event").isTrue();
    }

    /** Answers three requests of one descriptor each, in two batches. */
    private boolean isCalledFor(int kind, int word) {
        for (int id = 0; id < 3; id++) {
            world.offer(id, 1);
            world.popExpecting(id);
        }
        driver.setEvent(kind, word);
        world.ring.push(0, 1);
        boolean called = world.ring.publish();
        world.ring.push(1, 1);
        world.ring.push(2, 1);
        called |= world.ring.publish();
        for (int id = 0; id < 3; id++) {
            assertThat(driver.take()).isNotNull();
        }
        return called;
    }

    @Test
    void withoutEventsOfOneDescriptorTheGuestIsCalledForAll() {
        PackedRing plain = world.openAlone(false, PackedRing.NEW_BASE);
        world.offer(0, 1);
        assertThat(plain.pop(world.guestMemory, world.chain)).isZero();
        plain.push(0, 1);
        driver.setEvent(PackedDriver.ONE_EVENT, 5);
        assertThat(plain.publish()).isTrue();
    }

    @Test
    void aRingGoesOnFromItsBase() {
        for (int requests = 0; requests < 3 * SIZE; requests++) {
            world.offer(2, 3);
            answer(2);
            int here = driver.nextWord();
            assertThat(world.ring.base()).isEqualTo(here | here << 16);
            world.ring = world.openAlone(true, requests % 2 == 0 ? here : here | here << 16);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, Vring.MAX_SIZE + 1, 1 << 15})
    void aRingOfThatSizeIsRefused(int size) {
        assertThatThrownBy(() ->
                        PackedRing.Parts.find(
                                world.guestMemory,
                                size,
                                PackedWorld.GUEST,
                                PackedWorld.GUEST,
                                PackedWorld.GUEST))
                .isInstanceOf(BadRingException.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 0xfffe, 0x1_0000})
    void anEventAreaThatIsNoneIsRefused(int offset) {
        long guest = PackedWorld.GUEST;
        assertThatThrownBy(() ->
                        PackedRing.Parts.find(
                                world.guestMemory, SIZE, guest, guest + offset, guest))
                .isInstanceOf(BadRingException.class);
        assertThatThrownBy(() ->
                        PackedRing.Parts.find(
                                world.guestMemory, SIZE, guest, guest, guest + offset))
                .isInstanceOf(BadRingException.class);
    }

    @Test
    void noMoreThanALapCanBeAvailable() {
        for (int id = 0; id < SIZE; id++) {
            world.offer(id, 1);
            world.popExpecting(id);
        }
        world.ring.push(3, 1);
        world.popExpecting(Vring.NONE);
        // The first descriptor is made available again, though nothing has been seen to be used.
        driver.setFlags(0, PackedDriver.USED);
        assertThatThrownBy(world::pop).isInstanceOf(BadRingException.class);
    }

    /**
     * A death at an instant: what is done until then, from a state where the requests 2 and 5 have
     * been answered and not published, 3 is out, and 6 is available.
     *
     * @param published whether the guest has got the answers
     */
    private record Instant(Consumer<PackedWorld> until, boolean published) {}

    static Stream<Named<Instant>> instants() {
        return Stream.of(
                Named.of("before anything is published", new Instant(world -> {}, false)),
                Named.of(
                        "before the free list is written",
                        new Instant(
                                world -> publishing(world, FREE_HEADS, JAVA_INT.byteSize()),
                                false)),
                Named.of(
                        "before the used index is written",
                        new Instant(world -> publishing(world, USED, JAVA_LONG.byteSize()), false)),
                Named.of(
                        "before the guest sees it",
                        new Instant(world -> world.inflight.publishing(5), false)),
                Named.of(
                        "when the guest has seen it",
                        new Instant(
                                world -> {
                                    world.inflight.publishing(5);
                                    show(world);
                                },
                                true)),
                Named.of(
                        "when one mark is cleared",
                        new Instant(
                                world -> {
                                    world.inflight.publishing(5);
                                    show(world);
                                    world.inflight.unmark(0);
                                },
                                true)),
                Named.of(
                        "before the used index is settled",
                        new Instant(
                                world -> {
                                    world.inflight.publishing(5);
                                    show(world);
                                    long before = world.state().get(JAVA_LONG, USED);
                                    world.inflight.published(5);
                                    world.state().set(JAVA_LONG, USED, before);
                                },
                                true)),
                Named.of(
                        "when all is published",
                        new Instant(
                                world -> {
                                    boolean _ = world.ring.publish();
                                },
                                true)),
                Named.of(
                        "while another request is kept",
                        new Instant(
                                world -> world.inflight.keep(PackedWorld.GUEST, 1, 6, 0), false)),
                Named.of(
                        "before another request is taken",
                        new Instant(
                                world -> {
                                    int before = world.state().get(JAVA_INT, FREE_HEADS);
                                    world.popExpecting(6);
                                    world.state().set(JAVA_INT, FREE_HEADS, before);
                                },
                                false)));
    }

    /** Has everything written before the batch is shown, but what is at an offset. */
    private static void publishing(PackedWorld world, int offset, long bytes) {
        byte[] before =
                world.state()
                        .asSlice(offset, bytes)
                        .toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
        long used = world.state().get(JAVA_LONG, USED);
        world.inflight.publishing(5);
        // What is written after that has not been written either.
        world.state().set(JAVA_LONG, USED, used);
        MemorySegment.copy(MemorySegment.ofArray(before), 0, world.state(), offset, bytes);
    }

    private static void show(PackedWorld world) {
        world.driver.setFlags(0, PackedDriver.AVAIL | PackedDriver.USED | PackedDriver.WRITE);
    }

    @ParameterizedTest
    @MethodSource("instants")
    void whoeverTakesOverFindsEveryRequestOutOrAnswered(Instant instant) {
        world.offer(2, 2);
        world.offer(3, 1);
        world.offer(5, 3);
        world.popExpecting(2);
        world.popExpecting(3);
        world.popExpecting(5);
        world.offer(6, 2);
        world.ring.push(5, 1);
        world.ring.push(2, 1);
        instant.until().accept(world);
        world.restart();
        if (instant.published()) {
            assertThat(driver.take()).isEqualTo(new Answer(5, 1));
            assertThat(driver.take()).isEqualTo(new Answer(2, 1));
        } else {
            takeAgain(2, 2);
        }
        takeAgain(3, 1);
        if (!instant.published()) {
            takeAgain(5, 3);
        }
        takeAgain(6, 2);
        world.popExpecting(Vring.NONE);
        assertThat(driver.take()).isNull();
        // In another order than before, and of other lengths.
        for (int id : instant.published() ? new int[] {6, 3} : new int[] {3, 6, 2, 5}) {
            world.ring.push(id, id);
            boolean _ = world.ring.publish();
            assertThat(driver.take()).isEqualTo(new Answer(id, id));
            assertThat(driver.take()).as("no other").isNull();
        }
        assertThat(driver.free()).isEqualTo(SIZE);
        for (int more = 0; more < 3 * SIZE; more++) {
            world.offer(more % SIZE, 3);
            answer(more % SIZE);
        }
    }

    private void takeAgain(int id, int descriptors) {
        world.popExpecting(id);
        world.assertChain(id, descriptors);
    }

    static Stream<Named<Consumer<MemorySegment>>> lies() {
        return Stream.of(
                Named.of("the ring is of another size", state -> set(state, 10, SIZE - 1)),
                Named.of("the used index is too large", state -> set(state, 16, SIZE)),
                Named.of("the old used index is too large", state -> set(state, 18, SIZE)),
                Named.of("the free list has a loop", state -> set(state, next(7), 4)),
                Named.of("the free list begins in a request", state -> set(state, 14, 1)),
                Named.of("the free list has lost entries", state -> set(state, next(5), SIZE)),
                Named.of("a request goes round in a circle", state -> set(state, next(1), 0)),
                Named.of("a request goes on beyond the ring", state -> set(state, next(0), 999)),
                Named.of("a request has no descriptors", state -> set(state, entry(0) + 6, 0)),
                Named.of("a request has too many", state -> set(state, entry(0) + 6, 0xffff)),
                Named.of("a request has one too few", state -> set(state, entry(0) + 6, 2)),
                Named.of("two are one", state -> set(state, entry(1), 1)),
                Named.of("its number is too large", state -> set(state, entry(2) + 16, SIZE)),
                Named.of("its number is another's", state -> set(state, entry(2) + 16, 5)),
                Named.of("it lies elsewhere", state -> set(state, entry(1) + 30, 0x7fff)),
                Named.of("its length is another", state -> set(state, entry(1) + 22, 0xffff)),
                Named.of("it is indirect", state -> set(state, entry(0) + 18, 5)),
                Named.of("it is written, then read", state -> set(state, entry(0) + 18, 3)));
    }

    private static int entry(int number) {
        return 32 * (number + 1);
    }

    private static int next(int number) {
        return entry(number) + 2;
    }

    private static void set(MemorySegment state, int offset, int value) {
        state.set(JAVA_SHORT, offset, (short) value);
    }

    @ParameterizedTest
    @MethodSource("lies")
    void nothingThatIsLeftInFlightIsBelieved(Consumer<MemorySegment> lie) {
        world.offer(2, 3);
        world.offer(5, 1);
        world.popExpecting(2);
        world.popExpecting(5);
        lie.accept(world.state());
        assertThatThrownBy(
                        () -> {
                            world.restart();
                            world.pop();
                            world.pop();
                        })
                .isInstanceOf(BadRingException.class);
    }
}
