package dev.ublk4j.vhostuser.ring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.trials.Ops;
import dev.ublk4j.vhostuser.ring.PackedDriver.Answer;
import dev.ublk4j.vhostuser.ring.PackedDriver.Piece;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random requests over many laps, answered in any order, beside lists of what is available, out and
 * answered; and again and again another process takes over.
 */
final class PackedRingModelTest {
    private static final int DATA_BYTES = 0x4000;
    private static final int TABLES = 0xc000;

    /** What is done. */
    private enum Step {
        OFFER,
        OFFER_TABLE,
        POP,
        PUSH,
        PUBLISH,
        TAKE,
        WAIT,
        EVENT,
        DIE
    }

    /**
     * One thing to do.
     *
     * @param number which, or how many
     */
    private record Op(Step step, int number) {
        static Op random(Random random) {
            // Deaths are rarer than the rest.
            int bound = random.nextInt(4) == 0 ? Step.values().length : Step.DIE.ordinal();
            return new Op(Step.values()[random.nextInt(bound)], random.nextInt(1 << 16));
        }
    }

    /** A request, with its memory as it must be found. */
    private record Request(int order, int id, List<Piece> pieces) {}

    private static final class Model {
        private final PackedWorld world;
        private final Deque<Request> available = new ArrayDeque<>();
        private final List<Request> out = new ArrayList<>();
        private final List<Request> pushed = new ArrayList<>();
        private final Deque<Answer> answered = new ArrayDeque<>();
        private final List<Integer> freeIds = new ArrayList<>();
        private int orders;
        private int unfinished;
        private int eventKind;
        private int eventWord;

        Model(int size) {
            world = new PackedWorld(size);
            for (int id = 0; id < size; id++) {
                freeIds.add(id);
            }
        }

        void apply(Op op) {
            int number = op.number();
            switch (op.step()) {
                case OFFER -> offer(number);
                case OFFER_TABLE -> offerTable(number);
                case POP -> pop();
                case PUSH -> push(number);
                case PUBLISH -> publish();
                case TAKE -> take();
                case WAIT -> await();
                case EVENT -> event(number);
                case DIE -> die();
            }
        }

        private List<Piece> pieces(int count, int number) {
            Random random = new Random(number);
            int readable = random.nextInt(count + 1);
            List<Piece> pieces = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int length = 1 + random.nextInt(512);
                long guest =
                        PackedWorld.GUEST + PackedWorld.DATA + random.nextInt(DATA_BYTES - 512);
                pieces.add(new Piece(guest, length, i < readable ? 0 : PackedDriver.WRITE));
            }
            return pieces;
        }

        private Request request(int number, List<Piece> pieces) {
            return new Request(orders++, freeIds.remove(number % freeIds.size()), pieces);
        }

        private void offer(int number) {
            int count = 1 + number % 4;
            if (count <= world.driver.free()) {
                Request request = request(number, pieces(count, number));
                List<Piece> linked = new ArrayList<>();
                for (Piece piece : request.pieces()) {
                    int next = linked.size() < count - 1 ? PackedDriver.NEXT : 0;
                    linked.add(new Piece(piece.guest(), piece.length(), piece.flags() | next));
                }
                world.driver.offer(request.id(), linked);
                available.add(request);
            }
        }

        private void offerTable(int number) {
            if (world.driver.free() > 0) {
                Request request = request(number, pieces(1 + number % 16, number));
                int table = TABLES + request.id() * 256;
                for (int i = 0; i < request.pieces().size(); i++) {
                    Piece piece = request.pieces().get(i);
                    world.memory.set(JAVA_LONG, table + i * 16L, piece.guest());
                    world.memory.set(JAVA_INT, table + i * 16L + 8, piece.length());
                    world.memory.set(JAVA_SHORT, table + i * 16L + 14, (short) piece.flags());
                }
                Piece named =
                        new Piece(
                                PackedWorld.GUEST + table,
                                request.pieces().size() * 16,
                                PackedDriver.INDIRECT);
                world.driver.offer(request.id(), List.of(named));
                available.add(request);
            }
        }

        private void pop() {
            int id = world.pop();
            Request expected = available.poll();
            if (expected == null) {
                assertThat(id).isEqualTo(Vring.NONE);
                return;
            }
            assertThat(id).isEqualTo(expected.id());
            List<Piece> found = new ArrayList<>();
            for (int i = 0; i < world.chain.count(); i++) {
                long guest = PackedWorld.GUEST + world.chain.offset(i);
                int flags = i < world.chain.readable() ? 0 : PackedDriver.WRITE;
                found.add(new Piece(guest, world.chain.length(i), flags));
            }
            assertThat(found).isEqualTo(expected.pieces());
            out.add(expected);
            unfinished = Math.max(0, unfinished - 1);
        }

        private void push(int number) {
            if (!out.isEmpty()) {
                Request done = out.remove(number % out.size());
                world.ring.push(done.id(), done.order());
                pushed.add(done);
            }
        }

        private void publish() {
            int before = world.ring.base() >>> 16;
            boolean called = world.ring.publish();
            int after = world.ring.base() >>> 16;
            assertThat(called).isEqualTo(!pushed.isEmpty() && wantsToBeCalled(before, after));
            for (Request request : pushed) {
                answered.add(new Answer(request.id(), request.order()));
            }
            pushed.clear();
        }

        /** Goes from place to place. */
        private boolean wantsToBeCalled(int before, int after) {
            if (eventKind != PackedDriver.ONE_EVENT) {
                return eventKind == PackedDriver.EVENTS;
            }
            int place = before;
            do {
                if (place == eventWord) {
                    return true;
                }
                place++;
                if ((place & 0x7fff) == world.size) {
                    place = ~place & 1 << 15;
                }
            } while (place != after);
            return false;
        }

        private void take() {
            Answer expected = answered.poll();
            assertThat(world.driver.take()).isEqualTo(expected);
            if (expected != null) {
                freeIds.add(expected.id());
            }
        }

        private void await() {
            if (unfinished == 0) {
                assertThat(world.ring.enableKicks()).isEqualTo(!available.isEmpty());
            }
        }

        private void event(int number) {
            eventKind = number % 3;
            int wrap = number >>> 15 << 15;
            eventWord = (number & 0x7fff) % world.size | wrap;
            world.driver.setEvent(eventKind, eventWord);
        }

        /** What was not published is done again, in the order in which it was taken. */
        private void die() {
            List<Request> lost = new ArrayList<>(out);
            lost.addAll(pushed);
            lost.sort(Comparator.comparingInt(Request::order).reversed());
            lost.forEach(available::addFirst);
            // Those that had been taken over, and not taken again before this death, come first.
            unfinished = Math.max(0, unfinished) + lost.size();
            out.clear();
            pushed.clear();
            world.restart();
        }

        void finish() {
            while (!available.isEmpty()) {
                pop();
            }
            pop();
            while (!out.isEmpty()) {
                push(0);
            }
            publish();
            while (!answered.isEmpty()) {
                take();
            }
            take();
            assertThat(world.driver.free()).isEqualTo(world.size);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 16, 64})
    void everyRequestIsFoundOnceAndAnsweredOnce(int size) {
        Ops.check(
                size,
                200,
                400,
                Op::random,
                ops -> {
                    Model model = new Model(size);
                    ops.forEach(model::apply);
                    model.finish();
                });
    }
}
