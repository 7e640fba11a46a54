package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Json;
import dev.ublk4j.cli.output.Rehearsal;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.ExactSize;
import dev.ublk4j.server.Target;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
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
 * time}, and the process ends with status 0.
 */
public final class ExportServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(ExportServer.class.getName());

    private final String protocol;
    private final RunFolder folder;
    private final List<Exported> exports = new ArrayList<>();

    /** What is left word of, and where commands about it are answered. */
    private final List<ServedExport> announced = new ArrayList<>();

    private final List<ControlSocket> controls = new ArrayList<>();

    private final ExportControl.Server server =
            new ExportControl.Server() {
                @Override
                public List<ServedName> exports() {
                    return announcedNames();
                }

                @Override
                public void end() {
                    Thread _ = Thread.ofPlatform().name("end").start(() -> System.exit(0));
                }
            };

    private @Nullable Front front;
    private boolean closed;
    private boolean inOrder = true;

    private ExportServer(String protocol, RunFolder folder) {
        this.protocol = protocol;
        this.folder = folder;
    }

    /**
     * Serves devices; returns when all of them have been stopped.
     *
     * @param protocol the front's name
     * @param folder where word is left of them
     * @param plans what the devices are
     * @param fronts makes the front, which has no devices yet
     * @param onReady told when clients may come
     * @throws RuntimeException when they cannot be served, with the reason
     */
    public static void serve(
            String protocol,
            RunFolder folder,
            List<Plan> plans,
            Supplier<Front> fronts,
            Consumer<ExportServer> onReady) {
        Rehearsal.run();
        try (ExportServer server = new ExportServer(protocol, folder)) {
            // Closing waits for a start under way, so that no signal leaves half an export behind.
            TimelyEnd.of(
                    server::closeInOrder,
                    () -> protocol + " was not stopped in time and ends with this process");
            // Clients may come before all is started, and whoever started this may end it then.
            EndSignals.endWell();
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
            Target target = plan.opener().get();
            ExactSize exact = target.ability(ExactSize.class);
            exports.add(new Exported(plan, add(created, plan, target), exact));
        }
        created.open();
        for (int index = 0; index < exports.size(); index++) {
            announce(index);
        }
    }

    private static Device add(Front front, Plan plan, Target target) {
        try {
            return front.add(target, plan.options());
        } catch (Throwable e) {
            plan.undo().run();
            throw e;
        }
    }

    /** Lets other commands find an export. It is served all the same where that is impossible. */
    private void announce(int index) {
        try {
            ServedExport export = folder.writeNew(described(index));
            announced.add(export);
            controls.add(
                    ControlSocket.open(
                            folder.controlSocket(export.name()),
                            new ExportControl(exports.get(index), export, folder, server)::answer));
        } catch (IOException | LinuxException e) {
            LOG.log(
                    Level.WARNING,
                    "{0} is not listed and takes no commands: {1}",
                    address(index),
                    Explanation.of(e));
        }
    }

    private synchronized List<ServedName> announcedNames() {
        return announced.stream().map(ServedExport::name).toList();
    }

    private ServedExport described(int index) {
        Exported export = exports.get(index);
        Plan plan = export.plan();
        Device device = export.device();
        return new ServedExport(
                0,
                ProcessIdentity.current(),
                protocol,
                address(index),
                plan.kind(),
                plan.source(),
                plan.composition(),
                device.info().queues(),
                device.info().queueDepth(),
                export.size(),
                device.geometry().logicalBlockSize(),
                device.geometry().readOnly(),
                Instant.now());
    }

    /** {@return where clients find each device} */
    public List<String> addresses() {
        List<String> addresses = new ArrayList<>();
        for (int index = 0; index < exports.size(); index++) {
            addresses.addAll(addresses(index));
        }
        return addresses;
    }

    /** {@return where clients find each device that a server in the background told of} */
    public static List<String> addresses(String json) {
        List<String> addresses = new ArrayList<>();
        try (JsonParser parser = Json.parser(json)) {
            while (parser.nextToken() != null) {
                if (parser.currentToken() == JsonToken.PROPERTY_NAME
                        && parser.currentName().equals("addresses")) {
                    parser.nextToken();
                    while (parser.nextToken() == JsonToken.VALUE_STRING) {
                        addresses.add(parser.getString());
                    }
                }
            }
        }
        return addresses;
    }

    /** {@return the first place at which clients find a device, by which it is known} */
    private String address(int index) {
        return addresses(index).getFirst();
    }

    private List<String> addresses(int index) {
        if (front == null) {
            throw new IllegalStateException("not started");
        }
        return front.addresses(index);
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
            String address = address(index);
            json.writeStartObject();
            announced.stream()
                    .filter(each -> each.address().equals(address))
                    .findFirst()
                    .ifPresent(each -> each.name().write(json));
            json.writeStringProperty("address", address);
            json.writeArrayPropertyStart("addresses");
            addresses(index).forEach(json::writeString);
            json.writeEndArray();
            json.writeStringProperty("target", export.plan().kind());
            if (export.plan().source() != null) {
                json.writeStringProperty("source", export.plan().source());
            }
            json.writeNumberProperty("size", export.size());
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
        controls.forEach(this::close);
        announced.forEach(this::forget);
        // A target that holds requests back on purpose ends them now: the front waits for them.
        exports.forEach(each -> {
            boolean _ = each.device().awaitAnswers(Duration.ZERO);
        });
        if (front != null) {
            close(front);
        }
        for (Exported export : exports) {
            close(export.device());
        }
        return inOrder;
    }

    private void forget(ServedExport export) {
        try {
            folder.remove(export.name(), export.server());
        } catch (IOException e) {
            LOG.log(Level.DEBUG, () -> export.name().text() + " is still in " + folder, e);
        }
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
