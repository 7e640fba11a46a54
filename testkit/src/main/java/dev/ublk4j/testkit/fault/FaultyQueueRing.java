package dev.ublk4j.testkit.fault;

import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.driver.spi.TagBuffers;
import dev.ublk4j.testkit.fault.Fault.Effect;
import dev.ublk4j.testkit.fault.HeldIo.Completion;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.FileSlots;
import dev.ublk4j.uring.IoUring;
import dev.ublk4j.uring.Opcode;
import dev.ublk4j.uring.PreparedEntry;
import dev.ublk4j.uring.Ring;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/** A queue's ring, seen from both ends: what goes in is counted and spoilt, what comes out too. */
final class FaultyQueueRing implements QueueRing, CompletionHandler {
    /*
     * Going in:
     * ---------
     * A target prepares its I/O between two passes and while it is called in one. It lies in the
     * ring, unsubmitted, when the next pass begins, or room has to be made in a ring that is full.
     * There each entry gets a user data of its own,
     * so that the completion of one I/O is told from that of another whatever the target gave them.
     * One that is to fail is aimed at no file: it does nothing, and what was linked to it is
     * canceled, as after any failure. One that is to be short is told to move less.
     *
     * Coming out:
     * -----------
     * The target's user data is put back. What is held waits in its HeldIo, and comes in through
     * `due` when it is released, by any thread.
     *
     * Dying:
     * ------
     * Commands that were given before the end reach the driver, none after it does. The server's
     * thread is thrown out, once. What has been done and held comes through afterwards, and nothing
     * is held any more: the thread waits for its I/O before its buffers are unmapped, and so does the
     * kernel for a process that ends.
     */
    /** What marks the user data given here; a server's own has other bits there, or all of them. */
    private static final long TOKEN = 0x7e57L << 48;

    private static final long TOKEN_MASK = 0xffffL << 48;
    private static final int COMMIT = IoCommand.UBLK_U_IO_COMMIT_AND_FETCH_REQ & 0xff;
    private static final int COMMIT_MANY = IoCommand.UBLK_U_IO_COMMIT_IO_CMDS & 0xff;
    private static final int NO_FILE = -1;

    private final FaultyDriver server;
    private final QueueRing ring;
    private final Faults faults;
    private final Map<Long, UnderWay> underWay = new HashMap<>();

    /** Commands that the driver has, by their user data, which may be that of several. */
    private final Map<Long, Integer> commands = new HashMap<>();

    private final Queue<Completion> due = new ConcurrentLinkedQueue<>();
    private final Queue<Completion> withheld = new ConcurrentLinkedQueue<>();
    private final List<Completion> gathered = new ArrayList<>();
    private final Object waking = new Object();
    private final Random order = new Random(0);

    private CompletionHandler handler = (userData, result, flags) -> {};
    private long tokens;
    private int handedOver;
    private int shuffledUnderWay;
    private boolean dying;
    private boolean dead;
    private boolean closed;

    /** An I/O that the kernel has, or is about to get. */
    private record UnderWay(long userData, @Nullable Fault fault) {
        boolean has(Effect effect) {
            return fault != null && fault.effect() == effect;
        }
    }

    FaultyQueueRing(FaultyDriver server, QueueRing ring) {
        this.server = server;
        this.ring = ring;
        this.faults = server.faults();
        server.add(this);
    }

    @Override
    public Ring ring() {
        return ring.ring();
    }

    @Override
    public FileSlots files() {
        return ring.files();
    }

    /** What leaves the ring to make room is looked at before, as in a pass. */
    @Override
    public void reserve(int count) {
        if (ring().free() < count) {
            inspect();
        }
        ring.reserve(count);
    }

    @Override
    public void command(
            int commandOp, int queueId, int tag, int result, long address, long userData) {
        if (lives(commandOp)) {
            sending(userData);
            ring.command(commandOp, queueId, tag, result, address, userData);
        }
    }

    @Override
    public void commandWithSlot(
            int commandOp,
            int queueId,
            int tag,
            int result,
            int slot,
            int slotFlags,
            long userData) {
        if (lives(commandOp)) {
            sending(userData);
            ring.commandWithSlot(commandOp, queueId, tag, result, slot, slotFlags, userData);
        }
    }

    @Override
    public void batch(
            int commandOp, int queueId, int flags, int count, long elements, long userData) {
        if (lives(commandOp)) {
            sending(userData);
            ring.batch(commandOp, queueId, flags, count, elements, userData);
        }
    }

    @Override
    public void fetchBatch(int queueId, TagBuffers buffers, long userData) {
        if (!dying) {
            sending(userData);
            ring.fetchBatch(queueId, buffers, userData);
        }
    }

    @Override
    public TagBuffers openTagBuffers(int count, int tags) {
        return ring.openTagBuffers(count, tags);
    }

    private void sending(long userData) {
        commands.merge(userData, 1, Integer::sum);
        reserve(1);
    }

    private boolean isCommand(long userData, boolean more) {
        if (more) {
            return commands.containsKey(userData);
        }
        Integer before = commands.remove(userData);
        if (before != null && before > 1) {
            commands.put(userData, before - 1);
        }
        return before != null;
    }

    private boolean lives(int commandOp) {
        int number = commandOp & 0xff;
        boolean commits = number == COMMIT || number == COMMIT_MANY;
        if (commits && !dying && faults.strike(null) != null) {
            dying = true;
        }
        return !dying;
    }

    @Override
    public int run(boolean wait, CompletionHandler newHandler) {
        handler = newHandler;
        handedOver = 0;
        dieIfKilled();
        handOverDue();
        inspect();
        dieIfKilled();
        int _ = ring.run(wait && handedOver == 0, this);
        handOverGathered();
        handOverDue();
        dieIfKilled();
        return handedOver;
    }

    private void inspect() {
        int pending = ring().pendingSubmissions();
        for (int index = 0; index < pending; index++) {
            PreparedEntry entry = ring().preparedEntry(index);
            boolean isIo = entry.opcode() != Opcode.URING_CMD && entry.userData() != WAKE;
            if (isIo && !underWay.containsKey(entry.userData())) {
                start(entry);
            }
        }
    }

    private void start(PreparedEntry entry) {
        UnderWay io = new UnderWay(entry.userData(), dying ? null : strike(entry));
        if (io.has(Effect.KILL)) {
            dying = true;
        }
        if (dying || io.has(Effect.FAIL)) {
            entry.setFd(NO_FILE);
        } else if (io.fault() != null && io.has(Effect.SHORTEN)) {
            entry.setLength(io.fault().argument());
        } else if (io.has(Effect.SHUFFLE)) {
            shuffledUnderWay++;
        }
        if (entry.opcode() == Opcode.ASYNC_CANCEL) {
            aimAtToken(entry);
        }
        long token = TOKEN | (tokens++ & ~TOKEN_MASK);
        entry.setUserData(token);
        underWay.put(token, io);
    }

    private @Nullable Fault strike(PreparedEntry entry) {
        return faults.strike(BackendIo.of(entry));
    }

    /** A target cancels by the user data that it gave. */
    private void aimAtToken(PreparedEntry entry) {
        underWay.forEach((token, io) -> {
            if (io.userData() == entry.address()) {
                entry.setAddress(token);
            }
        });
    }

    @Override
    public void onCompletion(long userData, int result, int flags) {
        boolean more = (flags & IoUring.IORING_CQE_F_MORE) != 0;
        UnderWay io = more ? underWay.get(userData) : underWay.remove(userData);
        if (io == null) {
            if (!isCommand(userData, more)) {
                // It has ended all the same, which the server waits for.
                due.add(new Completion(this, userData, result, flags));
                throw new IllegalStateException(
                        "a target submitted I/O by itself, where no fault can reach it; Queue.reserve"
                                + " makes room for more");
            }
            handOver(userData, result, flags);
            return;
        }
        Fault fault = io.fault();
        int told = fault != null && io.has(Effect.FAIL) ? fault.argument() : result;
        Completion completion = new Completion(this, io.userData(), told, flags);
        if (dead || fault == null) {
            handOver(completion);
        } else if (io.has(Effect.SHUFFLE)) {
            gathered.add(completion);
            shuffledUnderWay--;
            if (gathered.size() >= fault.argument()) {
                handOverAllGathered();
            }
        } else if (!(fault instanceof HeldIo held && withhold(held, completion))) {
            handOver(completion);
        }
    }

    private boolean withhold(HeldIo held, Completion completion) {
        // First, because it may be released as soon as it is held.
        withheld.add(completion);
        boolean taken = held.take(completion);
        if (!taken) {
            withheld.remove(completion);
        }
        return taken;
    }

    private void handOver(long userData, int result, int flags) {
        handedOver++;
        handler.onCompletion(userData, result, flags);
    }

    private void handOver(Completion completion) {
        handOver(completion.userData(), completion.result(), completion.flags());
    }

    /** Nothing that is gathered waits for what does not come. */
    private void handOverGathered() {
        if (shuffledUnderWay == 0) {
            handOverAllGathered();
        }
    }

    private void handOverAllGathered() {
        Collections.shuffle(gathered, order);
        List<Completion> all = List.copyOf(gathered);
        gathered.clear();
        all.forEach(this::handOver);
    }

    private void handOverDue() {
        for (Completion next = due.poll(); next != null; next = due.poll()) {
            handOver(next);
        }
    }

    /** Hands over a completion that was held, with the next pass; from any thread. */
    void deliver(Completion completion) {
        if (withheld.remove(completion)) {
            due.add(completion);
            wake();
        }
    }

    private void dieIfKilled() {
        if (dead || (!dying && !server.isDead())) {
            return;
        }
        dying = true;
        dead = true;
        server.kill();
        handler =
                (userData, result, flags) -> due.add(new Completion(this, userData, result, flags));
        inspect(); // what was prepared since is not done
        int _ = ring.run(false, this);
        handOverAllGathered();
        for (Completion next = withheld.poll(); next != null; next = withheld.poll()) {
            handOver(next);
        }
        throw new ServerDeath();
    }

    @Override
    public void wake() {
        synchronized (waking) {
            if (!closed) {
                ring.wake();
            }
        }
    }

    @Override
    public void close() {
        synchronized (waking) {
            closed = true;
        }
        server.remove(this);
        ring.close();
    }

    @Override
    public String toString() {
        return "%s, %d I/Os of the target under way".formatted(ring, underWay.size());
    }
}
