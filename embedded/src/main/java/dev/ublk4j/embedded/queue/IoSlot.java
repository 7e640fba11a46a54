package dev.ublk4j.embedded.queue;

import dev.ublk4j.embedded.block.BlockRequest;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What the driver knows of one tag: whose turn it is, the server's command, its buffer, and the
 * request the server has.
 */
public final class IoSlot {
    /*
     * One writer:
     * -----------
     * A running device's slot is written only by the thread that fetched the tag, which is the thread
     * of its ring. A FETCH is under the device's mutex besides, as is the reset after the server has
     * gone, when all rings are closed. Others read `ring` (who starts a request) and `thread` (who
     * copies data); a request is started only after its tag was freed, which happens after the slot
     * was written.
     *
     * With BATCH_IO a tag belongs to no thread: one ring brings its request, another may commit it, and
     * a third take it back. There `state` alone says whose turn it is. It is changed by compare-and-set,
     * and who has changed it writes the rest; a request keeps its tag from everybody else meanwhile.
     *
     * References:
     * -----------
     * With USER_COPY any thread may copy data of a request that the server has. `references` is 1
     * while the server has it, and one more for each copy by another thread than the tag's. The commit
     * takes the server's reference away, and whoever brings the count to 0 completes the request: so
     * no copy touches the memory of a client that has its answer. At 0 nobody gets in. For the sake of
     * those who still copy after the commit, `request` and `result` stay until the next request.
     */
    private static final VarHandle REFERENCES;

    private static final VarHandle STATE;

    static {
        try {
            REFERENCES =
                    MethodHandles.lookup().findVarHandle(IoSlot.class, "references", int.class);
            STATE = MethodHandles.lookup().findVarHandle(IoSlot.class, "state", TagState.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final int queueId;
    private final int tag;

    /** Whether several threads may change {@link #state}. */
    private final boolean contended;

    private TagState state = TagState.UNFETCHED;
    private long userData;
    private long address;
    private int result;
    private boolean shared;
    private @Nullable BlockRequest request;
    private volatile @Nullable ServerRing ring;
    private volatile @Nullable Thread thread;
    private volatile int references;

    IoSlot(int queueId, int tag, boolean contended) {
        this.queueId = queueId;
        this.tag = tag;
        this.contended = contended;
    }

    int tag() {
        return tag;
    }

    /** {@return whose turn it is} */
    public TagState state() {
        return contended ? (TagState) STATE.getAcquire(this) : state;
    }

    /** {@return the ring that the tag's last command came over} */
    @Nullable ServerRing ring() {
        return ring;
    }

    /** {@return the thread that fetched the tag} */
    public @Nullable Thread thread() {
        return thread;
    }

    long userData() {
        return userData;
    }

    /** {@return the server's buffer} */
    long address() {
        return address;
    }

    /** {@return what the server committed} */
    int result() {
        return result;
    }

    /** {@return whether the request's data is in a registered buffer} */
    boolean isShared() {
        return shared;
    }

    /** {@return the request that the server has, or had last} */
    BlockRequest request() {
        return Objects.requireNonNull(request, "no request yet");
    }

    /** Takes the first command of a tag. */
    public void fetch(ServerRing from, long newAddress, long newUserData) {
        assert state == TagState.UNFETCHED : this;
        thread = Thread.currentThread();
        accept(from, newUserData);
        address = newAddress;
        state = TagState.FETCHED;
    }

    private boolean move(TagState from, TagState to) {
        if (contended) {
            return STATE.compareAndSet(this, from, to);
        }
        assert state == from : this;
        state = to;
        return true;
    }

    /**
     * {@return whether the caller may {@linkplain #accept take} the result of the request, which
     * nobody else may then} On a device with {@code BATCH_IO}.
     */
    boolean claim() {
        return move(TagState.SERVED, TagState.FETCHED);
    }

    /** Takes the server's result of a request that has been {@linkplain #claim claimed}. */
    BlockRequest accept(ServerRing from, int newResult, long newAddress) {
        accept(from, 0);
        result = newResult;
        address = newAddress;
        return request();
    }

    /** Takes the server's result, and answers with the request that it is for. */
    BlockRequest commit(ServerRing from, int newResult, long newAddress, long newUserData) {
        assert state == TagState.SERVED : this;
        accept(from, newUserData);
        result = newResult;
        address = newAddress;
        state = TagState.FETCHED;
        return request();
    }

    /** Takes the buffer for a write's data. */
    void giveBuffer(ServerRing from, long newAddress, long newUserData) {
        assert state == TagState.AWAITING_BUFFER : this;
        accept(from, newUserData);
        address = newAddress;
        state = TagState.SERVED;
    }

    @SuppressWarnings("ReferenceEquality") // the same ring need not be written once more
    private void accept(ServerRing from, long newUserData) {
        userData = newUserData;
        if (ring != from) {
            ring = from;
        }
    }

    /** {@return whether the server has been handed a request: not if the tag has been canceled} */
    boolean serve(BlockRequest newRequest, TagState next, boolean inSharedBuffer) {
        assert next.isServers() : this;
        request = newRequest;
        shared = inSharedBuffer;
        return move(TagState.FETCHED, next);
    }

    /** Takes back a request whose data could not be copied; the command stays. */
    void retake() {
        assert state == TagState.SERVED : this;
        state = TagState.FETCHED;
    }

    /** Lets copies of the data begin. */
    void openReferences() {
        references = 1;
    }

    /** {@return whether the request can be copied from until {@link #release}} */
    boolean acquire() {
        while (true) {
            int seen = references;
            if (seen == 0) {
                return false;
            }
            if (REFERENCES.compareAndSet(this, seen, seen + 1)) {
                return true;
            }
        }
    }

    /** Takes one reference back; answers whether it was the last. */
    boolean release() {
        return (int) REFERENCES.getAndAdd(this, -1) == 1;
    }

    /** {@return whether nobody copies, and from now on nobody can} */
    boolean closeReferences() {
        return references == 0 || REFERENCES.compareAndSet(this, 1, 0);
    }

    /** Takes back the command of a tag that waits for a request. */
    void cancel() {
        boolean _ = move(TagState.FETCHED, TagState.CANCELED);
    }

    /** Forgets the server. */
    void reset() {
        state = TagState.UNFETCHED;
        request = null;
        ring = null;
        thread = null;
        address = 0;
        assert references == 0 : this;
    }

    @Override
    public String toString() {
        return "queue %d, tag %d: %s".formatted(queueId, tag, state);
    }
}
