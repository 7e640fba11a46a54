package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.output.Json;
import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.layers.Overlay;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * What the server of a device does for other processes, one JSON object for another: {@code
 * {"do":"stat"}} is answered with {@link DeviceStat}, {@code {"do":"resize","size":N}} with the
 * device, {@code {"do":"resync","leg":"1.2"}} with {@link DeviceStat} once it has begun, and {@code
 * {"do":"commit","leg":"1"}} with {@code {"done":true}}, or false when it goes on: then it is asked
 * again. A failure is answered with {@code {"error":"..."}}.
 */
public final class DeviceControl {
    private static final String DO = "do";
    private static final String SIZE = "size";
    private static final String LEG = "leg";
    private static final String DONE = "done";
    private static final String STAT = "stat";
    private static final String RESIZE = "resize";
    private static final String RESYNC = "resync";
    private static final String COMMIT = "commit";

    /** How long a commit is waited for at a time: less than who asks waits for an answer. */
    private static final Duration COMMIT_PATIENCE = Duration.ofSeconds(5);

    private final Device device;
    private final RunFolder folder;
    private final Composition composition;

    /** Commits that go on, or whose end nobody has been told of. */
    private final Map<Overlay, CompletableFuture<Void>> commits = new HashMap<>();

    private ServedDevice served;

    DeviceControl(Device device, ServedDevice served, RunFolder folder) {
        this.device = device;
        this.served = served;
        this.folder = folder;
        this.composition = new Composition(device.target(), served.composition());
    }

    /** {@return the statistics of a device, from the process that serves it} */
    public static DeviceStat stat(RunFolder folder, int id) {
        return DeviceStat.parse(ask(folder, id, request(STAT, 0, null)));
    }

    /** Gives a device another size, in the process that serves it. */
    public static ServedDevice resize(RunFolder folder, int id, long bytes) {
        return ServedDevice.parse(ask(folder, id, request(RESIZE, bytes, null)));
    }

    /**
     * Begins to bring a leg of a mirror back in step, in the process that serves the device.
     *
     * @param leg its place, such as 2, or 1.2 for the second leg of the first leg
     */
    public static DeviceStat resync(RunFolder folder, int id, String leg) {
        return DeviceStat.parse(ask(folder, id, request(RESYNC, 0, leg)));
    }

    /**
     * Has what an overlay has taken written to its base; returns when that is so.
     *
     * @param leg the overlay's place, null for the only one
     */
    public static void commit(RunFolder folder, int id, @Nullable String leg) {
        String request = request(COMMIT, 0, leg);
        while (!isDone(ask(folder, id, request))) {
            // It goes on; the server waits a while before it says so.
        }
    }

    private static boolean isDone(String answer) {
        try (JsonParser json = Json.parser(answer)) {
            json.nextToken();
            return json.nextToken() == JsonToken.PROPERTY_NAME
                    && json.currentName().equals(DONE)
                    && json.nextToken() == JsonToken.VALUE_TRUE;
        }
    }

    private static String request(String what, long size, @Nullable String leg) {
        return Json.text(json -> {
            json.writeStartObject();
            json.writeStringProperty(DO, what);
            json.writeNumberProperty(SIZE, size);
            if (leg != null) {
                json.writeStringProperty(LEG, leg);
            }
            json.writeEndObject();
        });
    }

    private static String ask(RunFolder folder, int id, String request) {
        try {
            return Report.checked(ControlSocket.ask(folder.controlSocket(id), request));
        } catch (IOException e) {
            ServedDevice served = folder.readOrNull(id);
            throw new Failure(
                    served != null && served.server().isAlive()
                            ? "no reply from the server of device %d, process %d"
                                    .formatted(id, served.server().pid())
                            : "device %d is not served by ublk4j".formatted(id),
                    e);
        }
    }

    /** {@return the answer to a request} */
    String answer(String request) {
        String what = "";
        long size = 0;
        String leg = null;
        try (JsonParser json = Json.parser(request)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = json.currentName();
                json.nextToken();
                switch (name) {
                    case DO -> what = json.getString();
                    case SIZE -> size = json.getLongValue();
                    case LEG -> leg = json.getString();
                    default -> json.skipChildren();
                }
            }
        }
        return switch (what) {
            case STAT -> stat().json();
            case RESIZE -> resize(size).json();
            case RESYNC -> {
                composition.resync(leg == null ? "" : leg);
                yield stat().json();
            }
            case COMMIT -> commit(leg);
            default -> throw new Failure("this server does not know the command: " + request);
        };
    }

    private DeviceStat stat() {
        return DeviceStat.of(
                served(), device.statistics(), device.driverCounters(), composition.legs());
    }

    private String commit(@Nullable String leg) {
        Overlay overlay = composition.overlay(leg);
        boolean done = awaitEnd(overlay, begun(overlay));
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

    private synchronized ServedDevice served() {
        return served;
    }

    private ServedDevice resize(long bytes) {
        try {
            device.resize(bytes);
        } catch (ControlTimeoutException e) {
            CompletionStage<Void> _ =
                    e.outcome().thenAccept(_ -> noteSize(device.geometry().size()));
            throw e;
        }
        return noteSize(bytes);
    }

    private synchronized ServedDevice noteSize(long bytes) {
        served = served.withSize(bytes);
        try {
            folder.write(served);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "the device has its new size, but it could not be recorded in " + folder, e);
        }
        return served;
    }
}
