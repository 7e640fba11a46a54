package dev.ublk4j.conformance.fuzz;

import dev.ublk4j.conformance.device.Handler;
import dev.ublk4j.conformance.device.MemoryBackend;
import dev.ublk4j.conformance.device.QueueLoop;
import dev.ublk4j.conformance.device.Seen;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.wire.DeviceParams;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntSupplier;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A device of a world, with its server and an application.
 *
 * <p>It knows what the steps have done so far, in order to leave out what would wait for ever: a
 * start without fetched tags, the end of a request that only another server can bring.
 */
final class Served implements Handler {
    private static final long PID = ProcessHandle.current().pid();
    private static final int MEANWHILE_MILLIS = 15;

    private final World world;
    private final TestDevice device;
    private final MemoryBackend backend = new MemoryBackend(World.DISK_BYTES);
    private final Zones zones = new Zones(backend);
    private final Metadata metadata;

    /** Whether all tags have been fetched by the server that has the char device open. */
    private boolean fetched;

    /** Whether the server has been stopped, so that it must go before there is another. */
    private boolean stopped;

    /** Whether a live device puts its requests aside until there is another server. */
    private boolean quiesced;

    /** Whether DEL_DEV_ASYNC has been sent. */
    private boolean deleted;

    private @Nullable ClientDisk disk;
    private volatile boolean holdNext;
    private volatile @Nullable Seen held;
    private @Nullable CompletableFuture<Long> heldAnswer;
    private @Nullable CompletableFuture<Long> keptAnswer;
    private @Nullable Io heldIo;
    private @Nullable Io keptIo;

    Served(World world, Shape shape, DeviceInfo info) {
        this.world = world;
        this.metadata = world.metadata();
        this.device = TestDevice.adopted(world.lane(), shape, info);
    }

    TestDevice device() {
        return device;
    }

    World world() {
        return world;
    }

    Zones zones() {
        return zones;
    }

    Metadata metadata() {
        return metadata;
    }

    int id() {
        return device.id();
    }

    MemoryBackend backend() {
        return backend;
    }

    @Nullable ClientDisk disk() {
        return disk;
    }

    boolean isAttached() {
        return device.isAttached();
    }

    boolean isFetched() {
        return fetched;
    }

    boolean isDeleted() {
        return deleted;
    }

    boolean has(Feature feature) {
        return feature.in(device.info().flags());
    }

    /** {@return the state, -1 when the device is gone} */
    int state() {
        return deleted ? -1 : device.state();
    }

    // ----------------------------------------------------------------------------- the server

    @Override
    public int handle(Seen request, MemorySegment data) {
        if (has(Feature.ZONED)) {
            return zones.handle(request, data);
        }
        if (request.bytes() == 0 && hasData(request)) {
            // What is left of a block that was answered in part: asked for until it has failed.
            return Errno.EIO.negated();
        }
        boolean inside = request.position() + request.bytes() <= World.DISK_BYTES;
        int answer = inside ? backend.handle(request, data) : Errno.EIO.negated();
        if (inside) {
            metadata.exchange(request, device.charDevice());
        }
        if (holdNext) {
            holdNext = false;
            held = request;
            return HOLD;
        }
        return answer;
    }

    @Override
    public long appendedAt(Seen request) {
        return zones.appendedAt(request);
    }

    String attach() {
        if (isAttached()) {
            world.lane().driver().open(id()).close();
            return "opened twice";
        }
        device.attach(this);
        return "attached";
    }

    String fetch() {
        if (!isAttached() || fetched || stopped) {
            return "nothing to fetch";
        }
        device.fetchAll();
        fetched = true;
        return "fetched";
    }

    /** Takes the server away, and waits until the driver has noticed. */
    String detach() {
        if (!isAttached()) {
            return "not attached";
        }
        int before = state();
        device.detach();
        if (before == DeviceState.UBLK_S_DEV_LIVE) {
            Pause.until("the end of the server", () -> state() != DeviceState.UBLK_S_DEV_LIVE);
        }
        Pause.until("the char device is released", this::isReleased);
        fetched = false;
        stopped = false;
        quiesced = false;
        held = null;
        if (heldAnswer != null
                && has(Feature.USER_RECOVERY_REISSUE)
                && state() == DeviceState.UBLK_S_DEV_QUIESCED) {
            keptAnswer = heldAnswer;
            keptIo = heldIo;
            heldAnswer = null;
            return "detached, one to be issued again";
        }
        String answer = "detached" + awaitHeld() + settle();
        forgetIfGone();
        return answer;
    }

    private boolean isReleased() {
        try {
            world.lane().driver().open(id()).close();
            return true;
        } catch (LinuxException e) {
            return e.errno() != Errno.EBUSY;
        }
    }

    private void forgetIfGone() {
        if (deleted && !isAttached() && disk == null) {
            world.put(id(), null);
        }
    }

    // ------------------------------------------------------------------------------ commands

    /** {@return the answer of a command that may wait for the request that the server holds} */
    String patiently(IntSupplier command) {
        return patiently(command, answer -> answer);
    }

    /**
     * {@return the answer of a command that may wait for the request that the server holds}
     *
     * @param then what the sender does with the answer, whenever it comes
     */
    String patiently(IntSupplier command, IntUnaryOperator then) {
        if (held == null) {
            return "" + then.applyAsInt(command.getAsInt());
        }
        if (world.isImpatient()) {
            return impatiently(command, then);
        }
        CompletableFuture<Integer> answer =
                CompletableFuture.supplyAsync(
                        command::getAsInt,
                        task -> Thread.ofPlatform().daemon().name("patient").start(task));
        try {
            Thread.sleep(MEANWHILE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
        String released = answerHeld(Integer.MAX_VALUE);
        return then.applyAsInt(answer.join()) + released;
    }

    /** The sender gives up, then the request is answered, then the command has its outcome. */
    private String impatiently(IntSupplier command, IntUnaryOperator then) {
        world.raw().patience(Duration.ofMillis(MEANWHILE_MILLIS));
        int answer;
        String released = "";
        try {
            answer = command.getAsInt();
        } catch (ControlTimeoutException late) {
            released = answerHeld(Integer.MAX_VALUE);
            answer = late.outcome().toCompletableFuture().join();
        } finally {
            world.raw().patient();
        }
        int done = then.applyAsInt(answer);
        return done + released + answerHeld(Integer.MAX_VALUE);
    }

    /** Sends START_DEV or END_USER_RECOVERY, unless nothing would ever end its waiting. */
    String start(ControlCommand command, long argument) {
        boolean waits = !fetched && !stopped;
        if (waits && !isAttached()) {
            return "would wait";
        }
        if (waits) {
            return "would wait for tags";
        }
        int answer = world.send(command, id(), argument);
        if (answer == 0) {
            quiesced = false;
        }
        return answer + settle();
    }

    String stop(ControlCommand command) {
        String answer = patiently(() -> world.send(command, id(), 0));
        if (answer.startsWith("0")) {
            stopped = isAttached();
            quiesced = false;
        }
        return answer + settle();
    }

    String quiesce(long patience) {
        int before = state();
        int answer = world.send(ControlCommand.QUIESCE_DEV, id(), patience);
        if (answer == 0 && before == DeviceState.UBLK_S_DEV_LIVE) {
            quiesced = true;
        }
        return "" + answer;
    }

    /** Deletes the device, and takes away whatever its end waits for. */
    String delete(ControlCommand command) {
        if (deleted) {
            return "deleted before, " + detach() + closeDisk();
        }
        boolean waits = command == ControlCommand.DEL_DEV;
        StringBuilder answer = new StringBuilder();
        if (waits && (disk != null || keptAnswer != null || heldAnswer != null)) {
            answer.append(stop(ControlCommand.STOP_DEV)).append(closeDisk()).append(' ');
        }
        if (waits) {
            answer.append(detach()).append(' ').append(world.send(command, id(), 0));
            deleted = true;
        } else {
            answer.append(patiently(() -> world.send(command, id(), 0)));
            deleted = true;
            answer.append(settle());
        }
        forgetIfGone();
        return answer.toString();
    }

    // -------------------------------------------------------------------------- applications

    String openDisk() {
        if (disk != null || state() <= DeviceState.UBLK_S_DEV_DEAD) {
            return "no disk to open";
        }
        ClientDisk opened = device.open();
        disk = opened;
        metadata.format(device.control().params(id()).integrity());
        if (metadata.isThere()) {
            world.lane().makeUpNoMetadata(id());
        }
        return "opened, " + opened.size();
    }

    boolean canWriteZeroes() {
        DeviceParams.Discard discard = deleted ? null : device.control().params(id()).discard();
        return discard != null && discard.maxWriteZeroesSectors() != 0;
    }

    String closeDisk() {
        ClientDisk open = disk;
        if (open == null || keptAnswer != null || heldAnswer != null) {
            return "";
        }
        open.close();
        disk = null;
        forgetIfGone();
        return " closed";
    }

    /** {@return whether requests wait for another server} */
    boolean keepsRequests() {
        return quiesced || state() == DeviceState.UBLK_S_DEV_QUIESCED;
    }

    boolean isBusy() {
        return keptAnswer != null || heldAnswer != null;
    }

    /** Submits a request that has no answer until there is another server. */
    void keep(ClientDisk to, Io io) {
        keptIo = io;
        keptAnswer = to.submit(io);
    }

    /** Submits a request whose answer the server holds; one that is answered is none. */
    String hold(ClientDisk to, Io io) {
        holdNext = true;
        CompletableFuture<Long> answer = to.submit(io);
        Pause.until("the request is held or answered", () -> isHeld() || answer.isDone());
        holdNext = false;
        if (held == null) {
            return "" + ClientDisk.await(answer);
        }
        heldIo = io;
        heldAnswer = answer;
        return "held";
    }

    private boolean isHeld() {
        Seen request = held;
        return request != null && device.queue(request.queue()).seen().contains(request);
    }

    /**
     * {@return a queue's own number} Which queue and tag a request gets is up to each driver: those
     * of the request that is held are number 0.
     */
    int queueNumber(int number) {
        Seen request = held;
        return request == null ? number : exchanged(number, request.queue());
    }

    /** {@return a tag's own number, as {@link #queueNumber} a queue's} */
    int tagNumber(int number) {
        Seen request = held;
        return request == null ? number : exchanged(number, request.tag());
    }

    private static int exchanged(int number, int first) {
        return number == 0 ? first : number == first ? 0 : number;
    }

    /**
     * Answers the request that the server holds.
     *
     * @param result what the server says, or the greatest number for all it was asked; the latter
     *     always where what is left of the request would be kept
     */
    String answerHeld(int result) {
        Seen request = held;
        if (request == null || !isAttached()) {
            return "";
        }
        held = null;
        queues().forEach(QueueLoop::forget);
        boolean all = result == Integer.MAX_VALUE || keepsRequests();
        device.queue(request.queue()).answer(request, all ? done(request) : result);
        return awaitHeld() + RequestSteps.seen(queues()) + metadata.copied();
    }

    private static int done(Seen request) {
        return hasData(request) ? request.bytes() : 0;
    }

    private static boolean hasData(Seen request) {
        return request.op() == IoOp.UBLK_IO_OP_READ || request.op() == IoOp.UBLK_IO_OP_WRITE;
    }

    private String awaitHeld() {
        CompletableFuture<Long> answer = heldAnswer;
        heldAnswer = null;
        if (answer == null) {
            return "";
        }
        return ", held " + ended(answer, heldIo);
    }

    /** {@return the answer of the request that was kept, where something has ended that} */
    private String settle() {
        CompletableFuture<Long> answer = keptAnswer;
        if (answer == null || (!deleted && keepsRequests())) {
            return "";
        }
        keptAnswer = null;
        return ", kept " + ended(answer, keptIo);
    }

    private static String ended(CompletableFuture<Long> answer, @Nullable Io io) {
        long done = ClientDisk.await(answer);
        return done + (io == null ? "" : Metadata.read(io, done));
    }

    static long pid() {
        return PID;
    }

    /** {@return the threads of the server, none where there is no server} */
    List<QueueLoop> queues() {
        List<QueueLoop> queues = new ArrayList<>();
        for (int queue = 0; isAttached() && queue < device.info().queues(); queue++) {
            queues.add(device.queue(queue));
        }
        return queues;
    }

    @Override
    public String toString() {
        return deleted ? "deleted" : DeviceState.name(state());
    }
}
