package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.handover.HandoverConnection;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import dev.ublk4j.sharing.SharingOptions;
import dev.ublk4j.sharing.SharingServer;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.function.UnaryOperator;

/** A live device that takes memory at a socket in a folder of its own, and its disk. */
final class SharedDevice implements AutoCloseable {
    /** Longer than anything takes that ends at all. */
    static final Duration LONG = Duration.ofMinutes(4);

    private static final int PAGE = 4096;
    private static final long SIZE = 8L << 20;
    private static final DeviceOptions OPTIONS =
            DeviceOptions.defaults().with(Feature.SHMEM_ZC).with(Feature.NO_AUTO_PART_SCAN);

    private final Path folder;
    private final Device device;
    private SharingServer server;
    private final ClientDisk disk;

    private SharedDevice(Lane lane, Target target, UnaryOperator<SharingOptions> change) {
        folder = folder();
        device = Device.start(lane.driver(), target, OPTIONS);
        server = SharingServer.start(device, change.apply(options()));
        disk = lane.openDisk(device.id());
    }

    /** Everybody may look for the socket, which is short for the sake of its address. */
    private static Path folder() {
        try {
            Path folder = Files.createTempDirectory("ublk");
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private SharingOptions options() {
        return SharingOptions.defaults().withFolder(folder).withTimes(LONG, LONG);
    }

    /** {@return a memory disk that is patient with its clients} */
    static SharedDevice live(Lane lane) {
        return live(lane, new MemoryTarget(SIZE), options -> options);
    }

    /** {@return a memory disk with other options} */
    static SharedDevice live(Lane lane, UnaryOperator<SharingOptions> change) {
        return live(lane, new MemoryTarget(SIZE), change);
    }

    /** {@return a device of a target} */
    static SharedDevice live(Lane lane, Target target, UnaryOperator<SharingOptions> change) {
        return new SharedDevice(lane, target, change);
    }

    /** Takes back everything that is shared, and takes no more. */
    void stopSharing() {
        server.close();
    }

    /** Takes memory again. */
    void shareAgain() {
        server = SharingServer.start(device, options());
    }

    Device device() {
        return device;
    }

    SharingServer server() {
        return server;
    }

    ClientDisk disk() {
        return disk;
    }

    /** {@return where applications connect} */
    Path path() {
        return server.path();
    }

    /** {@return a new connection} */
    HandoverConnection connect() {
        return HandoverConnection.open(path(), LONG);
    }

    /** {@return buffers that are shared now} */
    long buffers() {
        return server.counters().get("buffers");
    }

    /** Waits until nothing is shared and nobody is connected. */
    void awaitNothing() {
        Pause.until("every buffer is unregistered", () -> buffers() == 0);
        Pause.until("every connection has ended", () -> server.counters().get("connections") == 0);
    }

    /** Writes a page of an area and reads it back; tells how many of the two were not copied. */
    long transfersNotCopied(ClientArea area) {
        long before = device.counters().sharedRequests();
        LaneRules.pattern(area.memory().asSlice(0, PAGE), (int) before);
        assertThat(disk.run(Io.write(0, area.piece(0, PAGE)))).isEqualTo(PAGE);
        area.memory().asSlice(PAGE, PAGE).fill((byte) 0);
        assertThat(disk.run(Io.read(0, area.piece(PAGE, PAGE)))).isEqualTo(PAGE);
        assertThat(area.memory().asSlice(PAGE, PAGE).mismatch(area.memory().asSlice(0, PAGE)))
                .isEqualTo(-1);
        return device.counters().sharedRequests() - before;
    }

    @Override
    public void close() {
        disk.close();
        server.close();
        device.close();
        try {
            Files.delete(folder);
        } catch (IOException e) {
            throw new UncheckedIOException("the server has left something behind", e);
        }
    }
}
