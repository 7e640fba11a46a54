package dev.ublk4j.cli.serve;

import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import dev.ublk4j.vhostuser.VhostUserExport;
import dev.ublk4j.vhostuser.VhostUserOptions;
import java.util.ArrayList;
import java.util.List;

/** Serves devices over vhost-user, each at a socket of its own. */
public final class VhostUserFront implements Front {
    private final List<VhostUserOptions> options;
    private final List<VhostUserExport> exports = new ArrayList<>();

    /**
     * Makes a front.
     *
     * @param options one for each device that will be added
     */
    public VhostUserFront(List<VhostUserOptions> options) {
        this.options = List.copyOf(options);
    }

    @Override
    public Device add(Target target, DeviceOptions deviceOptions) {
        VhostUserExport export =
                VhostUserExport.start(target, deviceOptions, options.get(exports.size()));
        exports.add(export);
        return export.device();
    }

    /** Nothing: each device lets clients in as soon as it is added. */
    @Override
    public void open() {}

    @Override
    public String address(int index) {
        return exports.get(index).socket().toString();
    }

    @Override
    public void close() {
        exports.forEach(VhostUserExport::close);
    }
}
