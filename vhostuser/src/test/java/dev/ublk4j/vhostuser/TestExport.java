package dev.ublk4j.vhostuser;

import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import java.nio.file.Path;
import java.util.function.UnaryOperator;

/** An export, for a test. */
final class TestExport implements AutoCloseable {
    final VhostUserExport export;

    TestExport(Target target, int queues, Path folder) {
        this(target, queues, folder, options -> options);
    }

    TestExport(Target target, int queues, Path folder, UnaryOperator<VhostUserOptions> adjustment) {
        export =
                VhostUserExport.start(
                        target,
                        DeviceOptions.defaults().withQueues(queues),
                        adjustment.apply(VhostUserOptions.at(folder.resolve("x.sock"))));
    }

    Path socket() {
        return export.socket();
    }

    @Override
    public void close() {
        export.close();
    }
}
