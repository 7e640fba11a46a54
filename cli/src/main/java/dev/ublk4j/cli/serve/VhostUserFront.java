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
    private final List<Integer> descriptors;
    private final List<VhostUserExport> exports = new ArrayList<>();

    /**
     * Makes a front.
     *
     * @param options one for each device that will be added
     * @param descriptors sockets that listen already and were passed to this process, one for each
     *     device, instead of those of the options; or none
     */
    public VhostUserFront(List<VhostUserOptions> options, List<Integer> descriptors) {
        this.options = List.copyOf(options);
        this.descriptors = List.copyOf(descriptors);
    }

    @Override
    public Device add(Target target, DeviceOptions deviceOptions) {
        int index = exports.size();
        VhostUserExport export =
                descriptors.isEmpty()
                        ? VhostUserExport.start(target, deviceOptions, options.get(index))
                        : VhostUserExport.start(
                                target, deviceOptions, options.get(index), descriptors.get(index));
        exports.add(export);
        return export.device();
    }

    /** Nothing: each device lets clients in as soon as it is added. */
    @Override
    public void open() {}

    @Override
    public List<String> addresses(int index) {
        return List.of(exports.get(index).socket().toString());
    }

    @Override
    public void close() {
        exports.forEach(VhostUserExport::close);
    }
}
