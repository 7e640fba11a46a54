package dev.ublk4j.crash;

import java.util.BitSet;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * One outcome of a power cut: when it happened, and what of the changes that were not durable did
 * not survive.
 *
 * @param instant the last thing that happened before it
 * @param damaged by number, changes that did not survive whole, and their atomic units that did
 */
record CrashState(long instant, NavigableMap<Integer, BitSet> damaged) {
    /** {@return the outcome without any loss} */
    static CrashState unharmed(long instant) {
        return new CrashState(instant, new TreeMap<>());
    }

    /** {@return the same with another fate of one change} */
    CrashState with(Change change, BitSet survived) {
        NavigableMap<Integer, BitSet> more = new TreeMap<>(damaged);
        more.put(change.number(), survived);
        return new CrashState(instant, more);
    }

    /** {@return the same, where one change survives whole} */
    CrashState without(int number) {
        NavigableMap<Integer, BitSet> fewer = new TreeMap<>(damaged);
        fewer.remove(number);
        return new CrashState(instant, fewer);
    }

    /** {@return the same losses at another instant} */
    CrashState at(long other) {
        return new CrashState(other, damaged);
    }
}
