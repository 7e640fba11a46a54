package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.output.Json;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What the server of an export does for other processes besides: {@code {"do":"end","exports":"e0
 * e1"}} ends it, where those are all that it serves, and is answered with {@code {"done":true}}.
 */
final class ExportControl extends TargetControl {
    static final String END = "end";
    static final String EXPORTS = "exports";

    private final Exported exported;
    private final RunFolder folder;
    private final Server server;
    private ServedExport served;

    /** The process that an export is served by. */
    interface Server {
        /** {@return all that it serves} */
        List<ServedName> exports();

        /** Begins to end it. */
        void end();
    }

    ExportControl(Exported exported, ServedExport served, RunFolder folder, Server server) {
        super(served.name(), served.targetText(), exported.device(), served.composition());
        this.exported = exported;
        this.served = served;
        this.folder = folder;
        this.server = server;
        followDevice();
    }

    @Override
    String answer(ControlRequest request) {
        return request.command().equals(END) ? end(request) : super.answer(request);
    }

    @Override
    String resize(long bytes) {
        if (exported.exact() != null) {
            throw new Failure(
                    "the %d bytes of %s are no whole number of blocks, and so its size is fixed"
                            .formatted(exported.size(), served.name().text()));
        }
        return super.resize(bytes);
    }

    @Override
    synchronized String recorded(long bytes) throws IOException {
        served = served.withSize(bytes);
        folder.write(served);
        return served.json();
    }

    private String end(ControlRequest request) {
        String argument = request.argument(EXPORTS);
        Set<String> named = Set.copyOf(List.of((argument == null ? "" : argument).split(" ", -1)));
        List<ServedName> all = server.exports();
        if (!all.stream().map(ServedName::toString).allMatch(named::contains)) {
            throw new Failure(
                    "process %d serves %s, and ends with all of them; to end it, name them all"
                            .formatted(
                                    served.server().pid(),
                                    all.stream()
                                            .map(ServedName::toString)
                                            .collect(Collectors.joining(", "))));
        }
        server.end();
        return Json.text(json -> {
            json.writeStartObject();
            json.writeBooleanProperty(DONE, true);
            json.writeEndObject();
        });
    }
}
