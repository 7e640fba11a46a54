package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.output.Json;
import dev.ublk4j.crash.Recorder;
import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.layers.Overlay;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.IntegrityFormat;
import dev.ublk4j.sharing.adopt.AdoptionState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * What the server of a device or an export does for other processes, one JSON object for another:
 *
 * <ul>
 *   <li>{@code {"do":"stat"}} is answered with {@link DeviceStat};
 *   <li>{@code {"do":"resync","leg":"1.2"}} with {@link DeviceStat}, once it has begun;
 *   <li>{@code {"do":"commit","leg":"1"}} with {@code {"done":true}}, or false when it goes on:
 *       then it is asked again;
 *   <li>{@code {"do":"faults"}} with the faults that are injected, as {@link FaultStat}; {@code
 *       {"do":"inject","fault":"error=EIO","leg":"1"}}, {@code {"do":"clear","number":"2"}} and
 *       {@code {"do":"release"}} with those that are then;
 *   <li>{@code {"do":"mark","text":"made"}} with {@code {"done":true}};
 *   <li>{@code {"do":"resize","size":"1073741824"}} with the device or the export in its new size.
 * </ul>
 *
 * <p>A failure is answered with {@code {"error":"..."}}.
 */
abstract class TargetControl {
    private static final System.Logger LOG = System.getLogger(TargetControl.class.getName());

    static final String STAT = "stat";
    static final String RESYNC = "resync";
    static final String COMMIT = "commit";
    static final String RESIZE = "resize";
    static final String MARK = "mark";
    static final String TEXT = "text";
    static final String FAULTS = "faults";
    static final String INJECT = "inject";
    static final String CLEAR = "clear";
    static final String RELEASE = "release";
    static final String LEG = "leg";
    static final String FAULT = "fault";
    static final String NUMBER = "number";
    static final String SIZE = "size";
    static final String DONE = "done";

    /** How long a commit is waited for at a time: less than who asks waits for an answer. */
    private static final Duration COMMIT_PATIENCE = Duration.ofSeconds(5);

    private final ServedName name;
    private final String text;
    private final Device device;
    private final Composition composition;
    private final FaultLayers faults;

    /** Commits that go on, or whose end nobody has been told of. */
    private final Map<Overlay, CompletableFuture<Void>> commits = new HashMap<>();

    /**
     * Takes what is served.
     *
     * @param name what it is called
     * @param text its target, for a person
     * @param device the device, live
     * @param composition what the target is made of, null where nobody has said so
     */
    TargetControl(ServedName name, String text, Device device, @Nullable String composition) {
        this.name = name;
        IntegrityFormat integrity = device.target().geometry().integrity();
        this.text = integrity == null ? text : "%s, with %s".formatted(text, integrity);
        this.device = device;
        this.composition = new Composition(device.target(), composition);
        this.faults = new FaultLayers(device.target());
    }

    /** {@return the answer to a request} */
    final String answer(String request) {
        return answer(ControlRequest.parse(request));
    }

    /** {@return the answer to a request} */
    String answer(ControlRequest request) {
        String leg = request.argument(LEG);
        return switch (request.command()) {
            case STAT -> stat().json();
            case RESYNC -> {
                composition.resync(leg == null ? "" : leg);
                yield stat().json();
            }
            case COMMIT -> commit(leg);
            case RESIZE -> resize(size(request));
            case MARK -> mark(request.argument(TEXT));
            case FAULTS -> faults.json();
            case INJECT -> faults.inject(leg, request.argument(FAULT));
            case CLEAR -> faults.clear(leg, request.argument(NUMBER));
            case RELEASE -> faults.release(leg);
            default ->
                    throw new Failure("this server does not know the command: " + request.json());
        };
    }

    private static long size(ControlRequest request) {
        String size = request.argument(SIZE);
        try {
            return size == null ? 0 : Long.parseLong(size);
        } catch (NumberFormatException e) {
            throw new Failure("not a number of bytes: " + size, e);
        }
    }

    /** Gives the device another size, and answers what is served. */
    String resize(long bytes) {
        try {
            device.resize(bytes);
        } catch (ControlTimeoutException e) {
            CompletionStage<Void> _ =
                    e.outcome().thenAccept(_ -> noteSize(device.geometry().size()));
            throw e;
        }
        return noteSize(bytes);
    }

    private String noteSize(long bytes) {
        try {
            return recorded(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "%s has its new size, but it could not be recorded: %s"
                            .formatted(name.text(), Explanation.of(e)),
                    e);
        }
    }

    /** Leaves word of the sizes too that nobody has asked for here, from now on. */
    final void followDevice() {
        device.onResize(this::noteSizeOrComplain);
    }

    private void noteSizeOrComplain(long bytes) {
        try {
            String _ = noteSize(bytes);
        } catch (UncheckedIOException e) {
            LOG.log(Level.WARNING, Explanation.of(e));
        }
    }

    /** Leaves word of a new size, and answers what is served. */
    abstract String recorded(long bytes) throws IOException;

    private DeviceStat stat() {
        return DeviceStat.of(
                name,
                text,
                device.mode(),
                device.statistics(),
                device.driverCounters(),
                composition.legs(),
                composition.images(),
                adopted());
    }

    /** {@return what the device has adopted, null where it shares no memory} */
    @Nullable AdoptionState adopted() {
        return null;
    }

    private String commit(@Nullable String leg) {
        Overlay overlay = composition.overlay(leg);
        return done(awaitEnd(overlay, begun(overlay)));
    }

    /** Leaves a mark in what is recorded of the target, and of the legs of it. */
    private String mark(@Nullable String note) {
        List<Recorder> recorders = new ArrayList<>();
        Composition.visit(
                device.target(),
                "",
                (_, layer) -> {
                    if (layer instanceof Recorder recorder) {
                        recorders.add(recorder);
                    }
                });
        if (recorders.isEmpty()) {
            throw new Failure(
                    "nothing of %s is recorded; add it with --layer record".formatted(name.text()));
        }
        recorders.forEach(each -> each.mark(note == null ? "" : note));
        return done(true);
    }

    private static String done(boolean done) {
        return Json.text(json -> {
            json.writeStartObject();
            json.writeBooleanProperty(DONE, done);
            json.writeEndObject();
        });
    }

    private synchronized CompletableFuture<Void> begun(Overlay overlay) {
        return commits.computeIfAbsent(
                overlay,
                idle -> {
                    try {
                        return idle.commit();
                    } catch (IllegalStateException e) {
                        throw new Failure(
                                "%s; only an overlay that was added with --allow-commit is committed"
                                        .formatted(e.getMessage()),
                                e);
                    }
                });
    }

    private boolean awaitEnd(Overlay overlay, CompletableFuture<Void> commit) {
        try {
            commit.get(COMMIT_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            forget(overlay);
            throw new Failure("the commit has failed: " + reason(e.getCause()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
        forget(overlay);
        return true;
    }

    private static String reason(@Nullable Throwable cause) {
        return switch (cause) {
            case null -> "no reason given";
            case LinuxException refused -> refused.errno().text();
            default -> Explanation.of(cause);
        };
    }

    private synchronized void forget(Overlay overlay) {
        commits.remove(overlay);
    }
}
