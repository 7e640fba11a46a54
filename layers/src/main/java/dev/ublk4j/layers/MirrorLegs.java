package dev.ublk4j.layers;

import dev.ublk4j.layers.Mirror.LegState;
import dev.ublk4j.linux.Errno;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * What each leg of a mirror is good for, and its log. From the threads of all queues; what changes
 * a state takes the monitor.
 */
final class MirrorLegs {
    private static final System.Logger LOG = System.getLogger(MirrorLegs.class.getName());

    private final MirrorLog log;
    private final boolean readOnly;

    /** Replaced as a whole, so that readers need no lock. */
    private volatile LegState[] states;

    /** By leg, counts the syncs that have begun: a sync that is not the last of its leg is void. */
    private final int[] syncs;

    /** Legs whose failure the log does not tell yet. */
    private final BitSet unlogged = new BitSet();

    private volatile boolean hasUnlogged;

    MirrorLegs(int count, MirrorLog log, boolean readOnly) {
        this.log = log;
        this.readOnly = readOnly;
        this.syncs = new int[count];
        LegState[] first = new LegState[count];
        boolean mayDiffer = log.wasOpen() && !readOnly;
        boolean hasSource = false;
        for (int leg = 0; leg < count; leg++) {
            if (log.hasFailed(leg)) {
                first[leg] = LegState.FAILED;
            } else {
                first[leg] = mayDiffer && hasSource ? LegState.SYNCING : LegState.IN_STEP;
                hasSource = true;
            }
        }
        this.states = first;
    }

    LegState state(int leg) {
        return states[leg];
    }

    List<LegState> states() {
        return List.of(states);
    }

    boolean areInStep() {
        return Arrays.stream(states).allMatch(LegState.IN_STEP::equals);
    }

    /** {@return a leg to read from, from a place in their order on} */
    int readable(int from) {
        LegState[] now = states;
        for (int i = 0; i < now.length; i++) {
            int leg = (from + i) % now.length;
            if (now[leg] == LegState.IN_STEP) {
                return leg;
            }
        }
        throw new IllegalStateException("no leg of the mirror is in step");
    }

    private void set(int leg, LegState state) {
        LegState[] next = states.clone();
        next[leg] = state;
        states = next;
    }

    /**
     * Notes that a leg has failed, unless it is the last in step.
     *
     * @return whether others can stand for it; not where that cannot be noted
     */
    synchronized boolean fail(int leg, int result) {
        if (states[leg] == LegState.FAILED) {
            return tellLog();
        }
        if (states[leg] == LegState.IN_STEP
                && Arrays.stream(states).filter(LegState.IN_STEP::equals).count() == 1) {
            return false;
        }
        set(leg, LegState.FAILED);
        LOG.log(
                Level.ERROR,
                () ->
                        "leg %d of the mirror has failed with %s and gets no more requests"
                                .formatted(leg + 1, Errno.of(-result).text()));
        unlogged.set(leg);
        hasUnlogged = true;
        return tellLog();
    }

    /**
     * {@return whether the log tells of all failed legs} Where it does not, another server would
     * take an old leg for a good one, so no change may succeed.
     */
    boolean isLogged() {
        return !hasUnlogged || tellLog();
    }

    private synchronized boolean tellLog() {
        try {
            for (int leg = unlogged.nextSetBit(0); leg >= 0; leg = unlogged.nextSetBit(leg + 1)) {
                log.setFailed(leg, true);
                unlogged.clear(leg);
            }
            hasUnlogged = false;
            return true;
        } catch (IOException e) {
            LOG.log(
                    Level.ERROR,
                    () -> "the log of a mirror cannot be written, so its changes fail: " + e);
            return false;
        }
    }

    /**
     * Begins the sync of a leg that has failed.
     *
     * @throws IllegalStateException when it has not
     */
    synchronized void beginSync(int leg) {
        if (states[leg] != LegState.FAILED || unlogged.get(leg)) {
            throw new IllegalStateException(
                    "leg %d of the mirror is %s".formatted(leg + 1, states[leg]));
        }
        syncs[leg]++;
        set(leg, LegState.SYNCING);
    }

    /**
     * Has all syncs begin again: a change that a leg being copied to may have taken, and that the
     * device has not, is copied over.
     */
    synchronized void restartSyncs() {
        for (int leg = 0; leg < syncs.length; leg++) {
            syncs[leg]++;
        }
    }

    /** {@return the number of a leg's sync} */
    synchronized int sync(int leg) {
        return syncs[leg];
    }

    /** {@return whether a sync is to go on} */
    synchronized boolean isSyncing(int leg, int sync) {
        return states[leg] == LegState.SYNCING && syncs[leg] == sync;
    }

    /** Notes that a leg has all data, unless its sync has been overtaken. */
    synchronized void endSync(int leg, int sync) {
        if (!isSyncing(leg, sync)) {
            return;
        }
        try {
            log.setFailed(leg, false);
            set(leg, LegState.IN_STEP);
            LOG.log(Level.INFO, () -> "leg %d of the mirror is in step".formatted(leg + 1));
        } catch (IOException e) {
            set(leg, LegState.FAILED);
            LOG.log(Level.ERROR, () -> "the log of a mirror cannot be written: " + e);
        }
    }

    /** Tells the log that the mirror is closed in order, if it is: legs may differ otherwise. */
    synchronized void close() {
        try (MirrorLog _ = log) {
            boolean known = true;
            for (int leg = 0; leg < states.length; leg++) {
                known &= states[leg] != LegState.SYNCING || log.hasFailed(leg);
            }
            if (!readOnly && known && tellLog()) {
                log.setOpen(false);
            }
        } catch (IOException e) {
            LOG.log(
                    Level.ERROR,
                    () -> "the log of a mirror cannot be written; it will be synced: " + e);
        }
    }
}
