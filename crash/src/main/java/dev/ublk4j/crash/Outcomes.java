package dev.ublk4j.crash;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * Outcomes of power cuts, the telling ones first: for every instant nothing lost and everything
 * lost, then one change lost or one that alone survives, then torn ones, then pairs; and then at
 * random. Most bugs need few losses, so these come first; random ones find what is left.
 */
final class Outcomes {
    /** More instants than this are sampled. */
    private static final int MOST_INSTANTS = 4096;

    /** Images that are wanted of each instant before more instants are. */
    private static final int IMAGES_OF_ONE = 4;

    /** Outcomes that are tried at one instant, at random, before another is chosen. */
    private static final int ROUND = 16;

    /** So many rounds that bring nothing new end the search. */
    private static final int BARREN_ROUNDS = 64;

    private final CrashImage image;
    private final DiskModel model;
    private final List<Long> instants;
    private final Random random;

    /** Takes an outcome, whose image is shown; returns whether to go on. */
    private final Predicate<CrashState> visitor;

    private boolean ended;

    /**
     * Prepares the search.
     *
     * @param from the first instant after which the power may go
     * @param to the last one
     * @param images after how many the search ends: few of them are spread over all of the time
     */
    Outcomes(
            CrashImage image,
            DiskModel model,
            long from,
            long to,
            long images,
            Random random,
            Predicate<CrashState> visitor) {
        this.image = image;
        this.model = model;
        this.random = random;
        this.visitor = visitor;
        this.instants = instants(from, to, Math.clamp(images / IMAGES_OF_ONE, 1, MOST_INSTANTS));
    }

    private List<Long> instants(long from, long to, int most) {
        List<Long> all = new ArrayList<>();
        double step = Math.max(1, (double) (to - from + 1) / most);
        double first = step > 1 ? from + random.nextDouble() * step : from;
        for (double at = first; (long) at < to; at += step) {
            all.add((long) at);
        }
        all.add(to);
        return all;
    }

    /** {@return after how many instants the power goes} */
    int instants() {
        return instants.size();
    }

    /**
     * Visits outcomes.
     *
     * @param isNew how many visits were of something new, so far
     */
    void visitAll(LongSupplier isNew) {
        if (model.cache() == DiskModel.Cache.ORDERED) {
            sweep(this::prefixes);
        } else {
            sweep(this::extremes);
            sweep(this::singles);
            sweep(this::tears);
            sweep(this::pairs);
        }
        int barren = 0;
        while (!ended && barren < BARREN_ROUNDS) {
            long before = isNew.getAsLong();
            long instant = instants.get(random.nextInt(instants.size()));
            image.moveTo(instant);
            for (int i = 0; i < ROUND && !ended; i++) {
                visit(atRandom(instant));
            }
            barren = isNew.getAsLong() == before ? barren + 1 : 0;
        }
    }

    private void sweep(LongConsumer level) {
        for (long instant : instants) {
            if (ended) {
                return;
            }
            image.moveTo(instant);
            level.accept(instant);
        }
    }

    private void visit(CrashState state) {
        if (!ended) {
            image.show(state);
            ended = !visitor.test(state);
        }
    }

    private void extremes(long instant) {
        visit(CrashState.unharmed(instant));
        visit(allLost(instant));
    }

    private CrashState allLost(long instant) {
        CrashState state = CrashState.unharmed(instant);
        for (Change change : image.uncertain()) {
            state.damaged().put(change.number(), new BitSet());
        }
        return state;
    }

    private void singles(long instant) {
        CrashState unharmed = CrashState.unharmed(instant);
        CrashState lost = allLost(instant);
        for (Change change : List.copyOf(image.uncertain())) {
            visit(unharmed.with(change, new BitSet()));
            visit(lost.without(change.number()));
        }
        // What was sent up to one survives.
        CrashState prefix = lost;
        for (Change change : List.copyOf(image.uncertain())) {
            prefix = prefix.without(change.number());
            visit(prefix);
        }
    }

    private void tears(long instant) {
        CrashState unharmed = CrashState.unharmed(instant);
        CrashState lost = allLost(instant);
        for (Change change : List.copyOf(image.uncertain())) {
            for (BitSet survived : tornWays(image.units(change))) {
                visit(unharmed.with(change, survived));
                visit(lost.with(change, survived));
            }
        }
    }

    /** {@return the ways to tear a change that are tried first} */
    private static List<BitSet> tornWays(int units) {
        List<BitSet> ways = new ArrayList<>();
        if (units > 1) {
            ways.add(range(0, 1));
            ways.add(range(1, units));
            ways.add(range(0, units - 1));
            ways.add(range(units - 1, units));
            ways.add(range(0, units / 2));
            ways.add(range(units / 2, units));
        }
        return ways;
    }

    private static BitSet range(int from, int to) {
        BitSet bits = new BitSet();
        bits.set(from, to);
        return bits;
    }

    private void pairs(long instant) {
        List<Change> all = List.copyOf(image.uncertain());
        CrashState unharmed = CrashState.unharmed(instant);
        for (int i = 0; i < all.size(); i++) {
            CrashState first = unharmed.with(all.get(i), new BitSet());
            for (int j = i + 1; j < all.size() && !ended; j++) {
                visit(first.with(all.get(j), new BitSet()));
            }
        }
    }

    /** Of a cache that is written back in order the first changes survive, and one may be torn. */
    private void prefixes(long instant) {
        CrashState state = allLost(instant);
        visit(state);
        for (Change change : List.copyOf(image.uncertain())) {
            int units = image.units(change);
            for (int survived = 1; survived < units && survived < ROUND; survived++) {
                visit(state.with(change, range(0, survived)));
            }
            state = state.without(change.number());
            visit(state);
        }
    }

    private CrashState atRandom(long instant) {
        List<Change> all = image.uncertain();
        CrashState state = CrashState.unharmed(instant);
        if (model.cache() == DiskModel.Cache.ORDERED) {
            int whole = random.nextInt(all.size() + 1);
            for (int i = whole; i < all.size(); i++) {
                int units = image.units(all.get(i));
                int survived = i == whole ? random.nextInt(units) : 0;
                state.damaged().put(all.get(i).number(), range(0, survived));
            }
            return state;
        }
        // Few lost, few left, or half of them: each in a third of the outcomes.
        double few = all.isEmpty() ? 0 : Math.min(0.5, 2.0 / all.size());
        double loss =
                switch (random.nextInt(3)) {
                    case 0 -> few;
                    case 1 -> 1 - few;
                    default -> 0.5;
                };
        for (Change change : all) {
            if (random.nextDouble() < loss) {
                state.damaged().put(change.number(), randomPart(image.units(change)));
            }
        }
        return state;
    }

    private BitSet randomPart(int units) {
        BitSet survived = new BitSet();
        if (units > 1 && random.nextInt(3) == 0) {
            switch (random.nextInt(3)) {
                case 0 -> survived.set(0, random.nextInt(units));
                case 1 -> survived.set(random.nextInt(units), units);
                default -> {
                    for (int unit = 0; unit < units; unit++) {
                        survived.set(unit, random.nextBoolean());
                    }
                }
            }
            if (survived.cardinality() == units) {
                survived.clear(random.nextInt(units));
            }
        }
        return survived;
    }
}
