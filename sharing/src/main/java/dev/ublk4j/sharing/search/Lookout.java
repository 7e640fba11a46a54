package dev.ublk4j.sharing.search;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.process.ProcessMemory;
import dev.ublk4j.sharing.adopt.AdoptionRule;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Looks for processes that an {@link AdoptionRule} fits.
 *
 * <p>A process maps its memory some time after it has started, and may become another program, or
 * be moved to another control group. So each is looked at again and again: soon while it is young,
 * rarely later. One thread.
 */
public final class Lookout {
    private static final long FIRST_PAUSE = Duration.ofMillis(900).toNanos();
    private static final long LONGEST_PAUSE = Duration.ofSeconds(30).toNanos();
    private static final int SELF = (int) ProcessHandle.current().pid();

    private final AdoptionRule rule;
    private final RuleFit fit;
    private Map<Integer, Seen> seen = new HashMap<>();

    /** A process that has been looked at. */
    private static final class Seen {
        private final String identity;
        private long next;
        private long pause = FIRST_PAUSE;

        Seen(String identity, long now) {
            this.identity = identity;
            this.next = now;
        }

        boolean isDue(long now) {
            return now - next >= 0;
        }

        void looked(long now) {
            next = now + pause;
            pause = Math.min(2 * pause, LONGEST_PAUSE);
        }
    }

    /** Makes a lookout that has seen nothing. */
    public Lookout(AdoptionRule rule) {
        this.rule = rule;
        this.fit = new RuleFit(rule);
    }

    /**
     * {@return the processes that the rule fits and whose mappings should be looked at now}
     *
     * @param now {@link System#nanoTime}
     * @throws LinuxException when this process cannot look now, for want of descriptors for example
     */
    public List<Integer> due(long now) {
        List<Integer> due = new ArrayList<>();
        if (rule.isNone()) {
            return due;
        }
        Map<Integer, Seen> there = new HashMap<>();
        for (int pid : ProcessMemory.all()) {
            String identity = ProcessMemory.identity(pid);
            if (pid != SELF && !identity.isEmpty()) {
                Seen before = seen.get(pid);
                Seen process =
                        before != null && before.identity.equals(identity)
                                ? before
                                : new Seen(identity, now);
                there.put(pid, process);
                if (process.isDue(now) && look(pid, due)) {
                    process.looked(now);
                }
            }
        }
        seen = there;
        return due;
    }

    /**
     * {@return whether the rule fits a process} What was due may have become another program since,
     * and its number that of another process: this is asked again of the one that is open.
     *
     * @throws LinuxException when it is gone, or this process may not look at it
     */
    public boolean fits(ProcessMemory process) {
        // What a server has mapped is the memory of others.
        return fit.fits(process) && !Sharers.isServer(process);
    }

    /** {@return whether this could look; otherwise it is due again} */
    private boolean look(int pid, List<Integer> due) {
        try (ProcessMemory process = ProcessMemory.open(pid)) {
            if (fits(process)) {
                due.add(pid);
            }
            return true;
        } catch (LinuxException e) {
            return ProcessMemory.isGoneOrForbidden(e);
        }
    }
}
