package dev.ublk4j.nbd;

import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.uapi.Feature;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** An NBD server in a test. */
final class Served implements AutoCloseable {
    static final long SIZE = 8 << 20;

    final List<Device> devices = new ArrayList<>();
    final NbdServer server;
    final Path socket;

    private Served(NbdOptions options, Path folder, Threads threads) {
        server = new NbdServer(options, threads);
        socket = folder.resolve("nbd.sock");
    }

    /** {@return a disk of zeroes in memory, under the empty name} */
    static Served memory(Path folder) {
        return of(folder, NbdOptions.defaults(), new MemoryTarget(SIZE));
    }

    /** {@return a target under the empty name} */
    static Served of(Path folder, NbdOptions options, Target target) {
        return of(folder, options, target, Threads.ofJdk());
    }

    /** {@return a target under the empty name, served by threads of the test's} */
    static Served of(Path folder, NbdOptions options, Target target, Threads threads) {
        Served served = new Served(options, folder, threads);
        served.export("", target);
        served.server.listen(served.socket);
        return served;
    }

    void export(String name, Target target) {
        DeviceOptions options = DeviceOptions.defaults().with(Feature.SHMEM_ZC);
        devices.add(server.export(name, "of " + name, target, options));
    }

    @Override
    public void close() {
        server.close();
        devices.forEach(Device::close);
    }
}
