package dev.ublk4j.sharing.store;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharing.store.BufferRecord.Phase;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Notes the buffers of a device, so that another server can adopt them when this one has died, at
 * whatever point that was.
 */
public final class BufferStore {
    /*
     * At whatever point:
     * ------------------
     * A registration is noted before the driver is asked, and again with the index that came back. A
     * removal is noted before, and struck out after. One of these at a time, so that at most one buffer
     * is in between when the server dies, and what may be wrong about it is known:
     *
     *   coming  the driver may or may not have it. If so, it has the lowest index that was free, since
     *           that is what a driver gives. It is safe to adopt it under that index: if the driver does
     *           not have it, no request will name it. Which index was free is known where all buffers
     *           are: where the ledger was lost once, the driver may have buffers besides, and one of
     *           them the index that seems free. Then nothing is adopted under it: a request that names
     *           it fails, rather than find another's memory.
     *   going   the driver may or may not have it still; the index is known.
     *
     * The next server adopts both, so that no request fails, and unregisters them when it can.
     *
     * One whose command is late is in between until its outcome has been noted, and nothing else comes
     * or goes before: two buffers with an index that is not known could not be told apart.
     *
     * The lock is held while the driver waits for requests. No queue thread ever takes it.
     */
    private static final BufferStore NONE = new BufferStore(null, null, "");

    private final @Nullable BufferLedger ledger;
    private final @Nullable DescriptorStore descriptors;
    private final String prefix;
    private long serial;

    /** The outcome of a command that is late. */
    private CompletableFuture<Integer> late = CompletableFuture.completedFuture(0);

    private BufferStore(
            @Nullable BufferLedger ledger, @Nullable DescriptorStore descriptors, String prefix) {
        this.ledger = ledger;
        this.descriptors = descriptors;
        this.prefix = prefix;
    }

    /** {@return a store that notes nothing, for a device that dies with its server} */
    public static BufferStore none() {
        return NONE;
    }

    /**
     * Makes a store.
     *
     * @param device the device's number
     * @param descriptors keeps memory that has no name; belongs to the store from now on
     */
    public static BufferStore of(int device, BufferLedger ledger, DescriptorStore descriptors) {
        BufferStore store = new BufferStore(ledger, descriptors, "ublk" + device + "-");
        for (BufferRecord buffer : ledger.records()) {
            store.serial = Math.max(store.serial, store.serialOf(buffer.key()));
        }
        return store;
    }

    private long serialOf(String key) {
        return key.startsWith(prefix) ? Long.parseLong(key.substring(prefix.length())) : 0;
    }

    /**
     * Registers a buffer, noting it before and after.
     *
     * @param draft what is known of it; key, phase and index are filled in here
     * @param memory kept while the buffer is there, unless the draft has a path
     * @param registration has the driver register it
     * @param index the index in the result of the registration
     * @param undo takes it back from the driver
     * @return the result of the registration
     * @throws LinuxException {@code EIO} when it cannot be noted; it is not registered then
     */
    public synchronized <B> B register(
            BufferRecord draft,
            Fd memory,
            Supplier<B> registration,
            ToIntFunction<B> index,
            Consumer<B> undo) {
        if (ledger == null || descriptors == null) {
            return registration.get();
        }
        awaitNobody("UBLK_U_CMD_REG_BUF");
        BufferRecord coming = draft.withKey(prefix + ++serial).in(Phase.COMING, -1);
        if (coming.path() == null) {
            descriptors.put(coming.key(), memory);
        }
        boolean done = false;
        try {
            note(ledger, coming);
            B buffer = registration.get();
            try {
                forgetFormer(ledger, descriptors, index.applyAsInt(buffer));
                note(ledger, coming.in(Phase.LIVE, index.applyAsInt(buffer)));
            } catch (Throwable e) {
                undoOrWait(undo, buffer, e);
                throw e;
            }
            done = true;
            return buffer;
        } catch (ControlTimeoutException e) {
            done = true;
            throw settleLater(
                    e,
                    answer -> {
                        if (answer < 0) {
                            forget(ledger, descriptors, coming);
                        } else {
                            note(ledger, coming.in(Phase.LIVE, answer));
                        }
                    });
        } finally {
            if (!done) {
                forget(ledger, descriptors, coming);
            }
        }
    }

    /**
     * Unregisters a buffer, noting it before and after.
     *
     * @param removal returns whether the driver has it no more; a device without a server keeps it
     * @throws LinuxException {@code EIO} when it cannot be noted
     */
    public synchronized void unregister(int index, BooleanSupplier removal) {
        BufferRecord buffer = find(index);
        if (buffer == null || ledger == null || descriptors == null) {
            boolean _ = removal.getAsBoolean();
            return;
        }
        awaitNobody("UBLK_U_CMD_UNREG_BUF");
        note(ledger, buffer.in(Phase.GOING, index));
        try {
            if (removal.getAsBoolean()) {
                forget(ledger, descriptors, buffer);
            }
        } catch (ControlTimeoutException e) {
            throw settleLater(
                    e,
                    answer -> {
                        if (answer >= 0) {
                            forget(ledger, descriptors, buffer);
                        }
                    });
        }
    }

    private void awaitNobody(String command) {
        if (!late.isDone()) {
            throw new ControlTimeoutException(
                    command,
                    prefix + "buffers, one of which is being registered or unregistered",
                    Duration.ZERO,
                    late.thenApply(_ -> Errno.ETIMEDOUT.negated()));
        }
    }

    private ControlTimeoutException settleLater(ControlTimeoutException e, IntConsumer noting) {
        CompletableFuture<Integer> settled = new CompletableFuture<>();
        late = settled;
        CompletionStage<Integer> _ =
                e.outcome()
                        .whenComplete((answer, lost) -> {
                            try {
                                if (answer != null) {
                                    noteLate(answer, noting);
                                }
                            } finally {
                                settle(settled, answer, lost);
                            }
                        });
        return e.until(settled);
    }

    private synchronized void noteLate(int answer, IntConsumer noting) {
        noting.accept(answer);
    }

    private static void settle(
            CompletableFuture<Integer> settled,
            @Nullable Integer answer,
            @Nullable Throwable lost) {
        if (answer != null) {
            settled.complete(answer);
        } else if (lost != null) {
            settled.completeExceptionally(lost);
        }
    }

    private static <B> void undoOrWait(Consumer<B> undo, B buffer, Throwable failure) {
        try {
            undo.accept(buffer);
        } catch (ControlTimeoutException e) {
            failure.addSuppressed(e);
            ControlTimeoutException.whenSettled(e, () -> undo.accept(buffer));
        }
    }

    /** The driver has given an index out again, so that it has its former buffer no more. */
    private void forgetFormer(BufferLedger ledger, DescriptorStore descriptors, int index) {
        BufferRecord former = find(index);
        if (former != null) {
            forget(ledger, descriptors, former);
        }
    }

    private @Nullable BufferRecord find(int index) {
        for (BufferRecord buffer : records()) {
            if (buffer.index() == index) {
                return buffer;
            }
        }
        return null;
    }

    /** {@return whether the driver has no other buffers than those that are noted} */
    synchronized boolean knowsAll() {
        return ledger == null || ledger.isWhole();
    }

    /** {@return what is noted} */
    synchronized List<BufferRecord> records() {
        return ledger == null ? List.of() : ledger.records();
    }

    /** {@return the memory that is kept, by key, which the caller must close} */
    synchronized Map<String, Fd> takeDescriptors() {
        return descriptors == null ? Map.of() : descriptors.take();
    }

    /** Notes the index of a buffer that was about to be registered. */
    synchronized void resolve(BufferRecord buffer, int index) {
        if (ledger != null) {
            note(ledger, buffer.in(Phase.GOING, index));
        }
    }

    /** Strikes out a buffer that the driver has no more. */
    synchronized void forget(BufferRecord buffer) {
        if (ledger != null && descriptors != null) {
            forget(ledger, descriptors, buffer);
        }
    }

    private static void note(BufferLedger ledger, BufferRecord buffer) {
        try {
            ledger.put(buffer);
        } catch (IOException e) {
            throw unwritable(ledger, e);
        }
    }

    private static void forget(
            BufferLedger ledger, DescriptorStore descriptors, BufferRecord buffer) {
        try {
            ledger.remove(buffer.key());
        } catch (IOException e) {
            throw unwritable(ledger, e);
        }
        if (buffer.path() == null) {
            descriptors.remove(buffer.key());
        }
    }

    private static LinuxException unwritable(BufferLedger ledger, IOException cause) {
        LinuxException e = new LinuxException("write", ledger.toString(), Errno.EIO.negated());
        e.initCause(cause);
        return e;
    }

    /** Forgets everything, when the device is gone. */
    public synchronized void delete() {
        if (ledger == null || descriptors == null) {
            return;
        }
        try {
            ledger.delete();
        } catch (IOException e) {
            throw unwritable(ledger, e);
        } finally {
            descriptors.close();
        }
    }
}
