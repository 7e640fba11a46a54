package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.output.Json;
import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.server.Device;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.CompletionStage;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * What the server of a device does for other processes, one JSON object for another: {@code
 * {"do":"stat"}} is answered with {@link DeviceStat}, {@code {"do":"resize","size":N}} with the
 * device. A failure is answered with {@code {"error":"..."}}.
 */
public final class DeviceControl {
    private static final String DO = "do";
    private static final String SIZE = "size";
    private static final String STAT = "stat";
    private static final String RESIZE = "resize";

    private final Device device;
    private final RunFolder folder;
    private ServedDevice served;

    DeviceControl(Device device, ServedDevice served, RunFolder folder) {
        this.device = device;
        this.served = served;
        this.folder = folder;
    }

    /** {@return the statistics of a device, from the process that serves it} */
    public static DeviceStat stat(RunFolder folder, int id) {
        return DeviceStat.parse(ask(folder, id, request(STAT, 0)));
    }

    /** Gives a device another size, in the process that serves it. */
    public static ServedDevice resize(RunFolder folder, int id, long bytes) {
        return ServedDevice.parse(ask(folder, id, request(RESIZE, bytes)));
    }

    private static String request(String what, long size) {
        return Json.text(json -> {
            json.writeStartObject();
            json.writeStringProperty(DO, what);
            json.writeNumberProperty(SIZE, size);
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
        try (JsonParser json = Json.parser(request)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = json.currentName();
                json.nextToken();
                switch (name) {
                    case DO -> what = json.getString();
                    case SIZE -> size = json.getLongValue();
                    default -> json.skipChildren();
                }
            }
        }
        return switch (what) {
            case STAT ->
                    DeviceStat.of(served(), device.statistics(), device.driverCounters()).json();
            case RESIZE -> resize(size).json();
            default -> throw new Failure("this server does not know the command: " + request);
        };
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
