package dev.ublk4j.bench.device;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What one server has done in its turns of one load.
 *
 * @param side who served
 * @param turns in their order
 */
record Turns(String side, List<Turn> turns) {
    /**
     * One turn.
     *
     * @param round the turns of all sides in a round follow each other
     * @param iops requests a second
     * @param p50 nanoseconds that half of the requests took at most; 0 where they were not timed
     * @param p99 nanoseconds
     * @param p999 nanoseconds
     */
    record Turn(int round, double iops, double p50, double p99, double p999) {}

    Turns(String side) {
        this(side, new ArrayList<>());
    }

    /** {@return the fastest turn, which nothing else on the machine has held up} */
    Turn best() {
        return turns.stream().max(Comparator.comparingDouble(Turn::iops)).orElseThrow();
    }

    /** {@return the middle of a figure of all turns} */
    double median(ToDoubleFunction<Turn> figure) {
        return quantile(turns.stream().mapToDouble(figure).sorted().boxed().toList(), 0.5);
    }

    /** {@return this side's speed as a multiple of another's, round by round, rising} */
    List<Double> ratios(Turns other) {
        List<Double> ratios = new ArrayList<>();
        for (Turn mine : turns) {
            for (Turn its : other.turns) {
                if (its.round == mine.round && its.iops > 0) {
                    ratios.add(mine.iops / its.iops);
                }
            }
        }
        ratios.sort(null);
        return ratios;
    }

    /** {@return a quantile of rising numbers} */
    static double quantile(List<Double> rising, double part) {
        return rising.isEmpty()
                ? Double.NaN
                : rising.get((int) Math.round(part * (rising.size() - 1)));
    }
}
