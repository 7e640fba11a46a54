package dev.ublk4j.sharing;

import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.linux.internal.QuietLog;
import dev.ublk4j.server.Device;
import dev.ublk4j.sharedmemory.process.ProcessMemory;
import dev.ublk4j.sharing.adopt.AdoptionReport;
import dev.ublk4j.sharing.adopt.AdoptionRule;
import dev.ublk4j.sharing.adopt.AdoptionState;
import dev.ublk4j.sharing.adopt.Candidate;
import dev.ublk4j.sharing.adopt.Choice;
import dev.ublk4j.sharing.search.Examination;
import dev.ublk4j.sharing.search.Lookout;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Shares the memory of processes that know nothing of it with a device, and takes it back when no
 * process has it any more.
 *
 * <p>A thread of its own watches what is adopted: it wakes when a process ends, and each second to
 * look whether the memory is still mapped, and as long as it was. While nothing is adopted, it
 * sleeps.
 *
 * <p>Any thread, except those of the device's queues.
 */
final class Adopter {
    /*
     * Which process is which:
     * -----------------------
     * Numbers of processes are used again. So a descriptor of the process is opened first, everything
     * else is read by number after it, and it counts only if the process of the descriptor has not
     * ended since. What is adopted is a file, which has the inode of the mapping it was opened for.
     */
    private static final System.Logger LOG = System.getLogger(Adopter.class.getName());

    private static final int SELF = (int) ProcessHandle.current().pid();

    private static final Duration PERIOD = Duration.ofSeconds(1);
    private static final Duration FOR_EVER = Duration.ofNanos(-1);

    private final QuietLog refusals = new QuietLog(LOG);
    private final QuietLog failures = new QuietLog(LOG);
    private final AdoptionRule rule;
    private final Lookout lookout;
    private final EventFd wake = EventFd.nonBlocking();
    private final Thread watcher;

    /** Fair, so that who asks has a turn between two registrations of an adoption. */
    private final ReentrantLock lock = new ReentrantLock(true);

    private final Adoptions adoptions;
    private final AtomicBoolean stopped = new AtomicBoolean();

    Adopter(Device device, Registry registry, AdoptionRule rule) {
        this.adoptions = new Adoptions(device, registry, this::giveWay);
        this.rule = rule;
        this.lookout = new Lookout(rule);
        this.watcher =
                Thread.ofPlatform()
                        .daemon()
                        .name("ublk%d-adoptions".formatted(device.id()))
                        .unstarted(this::watch);
    }

    /** Goes on with what a former server has left, and begins to look for programs. */
    void start() {
        lock.lock();
        try {
            adoptions.inherit();
            if (!adoptions.isEmpty() || !rule.isNone()) {
                begin();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Begins to watch, unless somebody does. */
    private void begin() {
        if (watcher.getState() == Thread.State.NEW) {
            watcher.start();
        } else {
            wake.signal();
        }
    }

    /** {@return the mappings of a process and what would become of each} */
    AdoptionReport examine(int pid, Choice choice) {
        requireOther(pid);
        try (ProcessMemory process = ProcessMemory.open(pid)) {
            List<Candidate> candidates = Examination.of(process, choice);
            lock.lock();
            try {
                requireRunning();
                adoptions.forgetRemoved();
                return adoptions.examine(process, candidates);
            } finally {
                lock.unlock();
            }
        }
    }

    /**
     * Refuses this process: what it has adopted it has mapped itself, and would be kept for ever.
     */
    private static void requireOther(int pid) {
        if (pid == SELF) {
            throw new LinuxException("adopt", "this process", Errno.EINVAL.negated());
        }
    }

    /**
     * Shares the mappings of a process.
     *
     * @throws LinuxException {@code ESRCH} when there is no such process, {@code EACCES} when the
     *     kernel does not let this process look at it, {@code EINVAL} when it is this process
     */
    AdoptionReport adopt(int pid, Choice choice) {
        requireOther(pid);
        lock.lock();
        try (ProcessMemory process = ProcessMemory.open(pid)) {
            requireRunning();
            adoptions.forgetRemoved();
            return adoptions.adopt(process, Examination.of(process, choice));
        } finally {
            if (!stopped.get() && !adoptions.isEmpty()) {
                begin();
            }
            lock.unlock();
        }
    }

    /** {@return what is adopted, and what would help} */
    AdoptionState state() {
        lock.lock();
        try {
            return adoptions.state();
        } finally {
            lock.unlock();
        }
    }

    /** Adopts of the programs that have appeared. */
    private void adoptByRule() {
        for (int pid : lookout.due(System.nanoTime())) {
            if (stopped.get()) {
                return;
            }
            try (ProcessMemory process = ProcessMemory.open(pid)) {
                if (!lookout.fits(process)) {
                    continue;
                }
                AdoptionReport report =
                        adoptions.adopt(process, Examination.brief(process, Choice.worthwhile()));
                for (String complaint : report.complaints()) {
                    refusals.log(
                            Level.WARNING,
                            () ->
                                    "cannot adopt memory of process %d (%s): %s"
                                            .formatted(pid, report.program(), complaint));
                }
            } catch (LinuxException e) {
                LOG.log(Level.DEBUG, () -> "cannot look at process " + pid, e);
            }
        }
    }

    /**
     * Lets others have a turn, between two registrations, each of which may wait for requests of
     * the device.
     *
     * @throws LinuxException {@code ECANCELED} when this has been stopped meanwhile
     */
    private void giveWay() {
        lock.unlock();
        lock.lock();
        requireRunning();
    }

    private void requireRunning() {
        if (stopped.get()) {
            throw new LinuxException("adopt", "process", Errno.ECANCELED.negated());
        }
    }

    private void watch() {
        while (!stopped.get()) {
            try {
                await();
                if (!stopped.get()) {
                    look();
                }
            } catch (RuntimeException | OutOfMemoryError | StackOverflowError e) {
                // What could not be looked at is looked at again.
                failures.log(Level.WARNING, () -> "cannot look at adopted memory now", e);
                rest();
            }
        }
    }

    private static void rest() {
        try {
            Thread.sleep(PERIOD);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void await() {
        Duration time;
        Poll poll;
        lock.lock();
        try {
            List<Fd> descriptors = new ArrayList<>(adoptions.watched());
            descriptors.add(wake.fd());
            time = adoptions.isEmpty() && rule.isNone() ? FOR_EVER : PERIOD;
            poll = new Poll(descriptors.toArray(Fd[]::new));
        } finally {
            lock.unlock();
        }
        try (poll) {
            // A descriptor that another thread closes now wakes for nothing, once.
            boolean _ = poll.await(time);
        }
        wake.reset();
    }

    private void look() {
        lock.lock();
        try {
            adoptions.look();
            adoptByRule();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Adopts nothing any more, ends to watch, and closes what is open. The buffers stay, for the
     * registry to take back or to leave.
     *
     * @return whether it was in time; otherwise it must be called again
     */
    boolean stop(Deadline deadline) {
        if (stopped.compareAndSet(false, true)) {
            wake.signal();
        }
        try {
            boolean ended = watcher.getState() == Thread.State.NEW || watcher.join(deadline.left());
            // Who adopts right now waits for requests of the device.
            if (!ended || !lock.tryLock(deadline.leftNanos(), TimeUnit.NANOSECONDS)) {
                return false;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
        try {
            adoptions.close();
            wake.close();
            return true;
        } finally {
            lock.unlock();
        }
    }
}
