package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Json;
import dev.ublk4j.server.Device;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * Devices of the embedded driver behind a {@link Front}, served by this process until it is told to
 * end.
 *
 * <p>SIGTERM and SIGINT take the front down first, then the devices, {@linkplain TimelyEnd in
 * time}.
 */
public final class ExportServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(ExportServer.class.getName());

    private final String protocol;
    private final List<Exported> exports = new ArrayList<>();
    private @Nullable Front front;
    private boolean closed;
    private boolean inOrder = true;

    private ExportServer(String protocol) {
        this.protocol = protocol;
    }

    /**
     * Serves devices; returns when all of them have been stopped.
     *
     * @param protocol the front's name
     * @param plans what the devices are
     * @param fronts makes the front, which has no devices yet
     * @param onReady told when clients may come
     * @throws RuntimeException when they cannot be served, with the reason
     */
    public static void serve(
            String protocol,
            List<Plan> plans,
            Supplier<Front> fronts,
            Consumer<ExportServer> onReady) {
        try (ExportServer server = new ExportServer(protocol)) {
            // Closing waits for a start under way, so that no signal leaves half an export behind.
            TimelyEnd.of(
                    server::closeInOrder,
                    () -> protocol + " was not stopped in time and ends with this process");
            server.start(plans, fronts);
            onReady.accept(server);
            for (Exported export : server.exports) {
                export.device().awaitStop();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void start(List<Plan> plans, Supplier<Front> fronts) {
        if (closed) {
            throw new IllegalStateException("terminated before anything was exported");
        }
        Front created = fronts.get();
        front = created;
        for (Plan plan : plans) {
            Device device = created.add(plan.opener().get(), plan.options());
            exports.add(new Exported(plan.kind(), plan.source(), device));
        }
        created.open();
    }

    /** {@return where clients find each device} */
    public List<String> addresses() {
        List<String> addresses = new ArrayList<>();
        for (int index = 0; index < exports.size(); index++) {
            addresses.add(address(index));
        }
        return addresses;
    }

    /** {@return where clients find each device that a server in the background told of} */
    public static List<String> addresses(String json) {
        List<String> addresses = new ArrayList<>();
        try (JsonParser parser = Json.parser(json)) {
            while (parser.nextToken() != null) {
                if (parser.currentToken() == JsonToken.PROPERTY_NAME
                        && parser.currentName().equals("address")) {
                    parser.nextToken();
                    addresses.add(parser.getString());
                }
            }
        }
        return addresses;
    }

    private String address(int index) {
        if (front == null) {
            throw new IllegalStateException("not started");
        }
        return front.address(index);
    }

    /** {@return what is exported, as a JSON object} */
    public String json() {
        return Json.text(this::write);
    }

    private void write(JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("protocol", protocol);
        json.writeNumberProperty("pid", ProcessHandle.current().pid());
        json.writeArrayPropertyStart("exports");
        for (int index = 0; index < exports.size(); index++) {
            Exported export = exports.get(index);
            json.writeStartObject();
            json.writeStringProperty("address", address(index));
            json.writeStringProperty("target", export.kind());
            if (export.source() != null) {
                json.writeStringProperty("source", export.source());
            }
            json.writeNumberProperty("size", export.device().geometry().size());
            json.writeNumberProperty("block_size", export.device().geometry().logicalBlockSize());
            json.writeBooleanProperty("read_only", export.device().geometry().readOnly());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    /** Ends the front and its devices; a second call waits for the first. */
    @Override
    public void close() {
        boolean _ = closeInOrder();
    }

    private synchronized boolean closeInOrder() {
        if (closed) {
            return inOrder;
        }
        closed = true;
        if (front != null) {
            close(front);
        }
        for (Exported export : exports) {
            close(export.device());
        }
        return inOrder;
    }

    private void close(AutoCloseable part) {
        try {
            part.close();
        } catch (Exception | Error e) {
            inOrder = false;
            LOG.log(Level.ERROR, () -> part + " was not shut down cleanly", e);
        }
    }
}
