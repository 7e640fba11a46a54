package dev.ublk4j.cli.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.layers.Concat;
import dev.ublk4j.layers.DiskFault;
import dev.ublk4j.layers.FaultInjector;
import dev.ublk4j.layers.Mirror;
import dev.ublk4j.layers.MirrorLog;
import dev.ublk4j.layers.Overlay;
import dev.ublk4j.layers.OverlayMap;
import dev.ublk4j.layers.Stripe;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.MemoryTarget;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The legs of a device")
@Timeout(120)
class CompositionTest {
    private static final int SIZE = 1 << 20;

    @TempDir Path folder;

    private static Target memory() {
        return new MemoryTarget(SIZE);
    }

    private static Mirror mirror(Target one, Target other) {
        return new Mirror(List.of(one, other), MirrorLog.inMemory());
    }

    private interface Use {
        void of(RunFolder folder, Disk disk) throws Exception;
    }

    private void serve(Target target, @Nullable String composition, Use use) throws Exception {
        RunFolder run = new RunFolder(folder);
        try (EmbeddedDriver driver = EmbeddedDriver.create();
                Device device = Device.start(driver, target, DeviceOptions.defaults());
                Disk disk = driver.openBlock(device.id());
                ControlSocket socket =
                        ControlSocket.open(
                                run.controlSocket(ServedName.device(device.id())),
                                new DeviceControl(
                                                new LiveDevice(device, null, false),
                                                served(device, composition),
                                                run)
                                        ::answer)) {
            use.of(run, disk);
            assertThat(socket).isNotNull();
        }
    }

    private static ControlClient client(RunFolder run, int id) {
        return new ControlClient(run, ServedName.device(id));
    }

    private static ServedDevice served(Device device, @Nullable String composition) {
        return new ServedDevice(
                device.id(),
                ProcessIdentity.current(),
                "stripe",
                "all of it",
                1,
                128,
                4096,
                device.geometry().size(),
                512,
                false,
                Instant.EPOCH,
                null,
                List.of(),
                composition);
    }

    private static void write(Disk disk, byte value) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(SIZE, 4096).fill(value);
            disk.write(memory, 0);
            disk.flush();
        }
    }

    private static byte read(Disk disk) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(4096, 4096);
            disk.read(memory, 0);
            return memory.get(ValueLayout.JAVA_BYTE, 17);
        }
    }

    private static List<String> states(DeviceStat stat) {
        return stat.legs().stream().map(leg -> leg.place() + " " + leg.state()).toList();
    }

    @Test
    void areToldWithTheirStatesAndAreThereInTheStateFile() throws Exception {
        Target target =
                new FaultInjector(
                        new Stripe(
                                List.of(
                                        mirror(memory(), memory()),
                                        new Reshaped(
                                                mirror(memory(), memory()), Geometry.ofSize(SIZE))),
                                4096));
        String text =
                "fault(stripe(mirror(file:/a, memory:1M), mirror(memory:1M, \"file:/b;\"); chunk=4K))";

        serve(
                target,
                text.replace("\"file:/b;\"", "file:\"/b;\""),
                (run, _) -> {
                    DeviceStat stat = client(run, 0).stat();
                    assertThat(stat.legs())
                            .contains(
                                    new LegStat("1.1", "file:/a", "in step"),
                                    new LegStat("2.2", "file:\"/b;\"", "in step"));
                    assertThat(states(stat))
                            .containsExactly(
                                    "1 null",
                                    "1.1 in step",
                                    "1.2 in step",
                                    "2 null",
                                    "2.1 in step",
                                    "2.2 in step");
                    assertThat(stat.target()).startsWith("fault(stripe(");
                });
    }

    @Test
    void areResyncedByTheirPlaces() throws Exception {
        FaultInjector broken =
                new FaultInjector(memory(), DiskFault.error(Errno.EIO).on(Operation.WRITE));
        Target target =
                new Concat(
                        List.of(
                                mirror(memory(), memory()),
                                new FaultInjector(mirror(memory(), broken))));
        serve(
                target,
                null,
                (run, disk) -> {
                    try (Arena arena = Arena.ofShared()) {
                        disk.write(arena.allocate(4096, 4096), SIZE);
                    }
                    assertThat(states(client(run, 0).stat()))
                            .contains("1.2 in step", "2.1 in step", "2.2 failed");

                    broken.clear();
                    client(run, 0).resync("2.2");

                    while (states(client(run, 0).stat()).contains("2.2 syncing")) {
                        LockSupport.parkNanos(1_000_000);
                    }
                    assertThat(states(client(run, 0).stat())).contains("2.2 in step");
                });
    }

    @Test
    void areNotResyncedWhereThereIsNoNeed() throws Exception {
        serve(
                new Stripe(List.of(mirror(memory(), memory()), memory()), 4096),
                null,
                (run, _) -> {
                    assertThatThrownBy(() -> client(run, 0).resync("1.2"))
                            .isInstanceOf(Failure.class)
                            .hasMessage(
                                    "leg 1.2 is in step; only one that has failed is to be"
                                            + " resynced");
                    assertThatThrownBy(() -> client(run, 0).resync("2"))
                            .hasMessage("leg 2 is not of a mirror; those of mirrors: 1.1, 1.2");
                    for (String wrong :
                            List.of("1.3", "3", "2.1", "0", "", "x", "1.", ".1", "-1")) {
                        assertThatThrownBy(() -> client(run, 0).resync(wrong))
                                .as("leg '%s'", wrong)
                                .isInstanceOf(Failure.class)
                                .hasMessageContaining("; those of mirrors: 1.1, 1.2");
                    }
                });
        serve(
                memory(),
                null,
                (run, _) ->
                        assertThatThrownBy(() -> client(run, 0).resync("1"))
                                .hasMessage("there is no leg 1"));
    }

    private static Overlay overlay(Target base) {
        return new Overlay(base, memory(), OverlayMap.inMemory(SIZE, 65536));
    }

    @Test
    void areCommittedToTheirBase() throws Exception {
        MemoryTarget base = new MemoryTarget(SIZE);
        Target target = new FaultInjector(overlay(base));
        serve(
                target,
                null,
                (run, disk) -> {
                    write(disk, (byte) 7);
                    assertThat(states(client(run, 0).stat()))
                            .containsExactly("1 null", "2 16 of 16 clusters");

                    client(run, 0).commit(null);
                    client(run, 0).commit(null);

                    assertThat(states(client(run, 0).stat())).contains("2 0 of 16 clusters");
                    assertThat(read(disk)).isEqualTo((byte) 7);
                });
    }

    @Test
    void areCommittedOnlyWhereTheBaseMayBeWritten() throws Exception {
        Target base = new Reshaped(memory(), Geometry.ofSize(SIZE).asReadOnly());
        serve(
                overlay(base),
                null,
                (run, _) ->
                        assertThatThrownBy(() -> client(run, 0).commit(null))
                                .isInstanceOf(Failure.class)
                                .hasMessageContaining("read-only")
                                .hasMessageContaining("--allow-commit"));
        serve(
                memory(),
                null,
                (run, _) ->
                        assertThatThrownBy(() -> client(run, 0).commit(null))
                                .hasMessage("nothing in the device's target is an overlay"));
    }

    @Test
    void thatAreSeveralOverlaysAreCommittedByTheirPlaces() throws Exception {
        serve(
                overlay(overlay(memory())),
                null,
                (run, disk) -> {
                    write(disk, (byte) 3);
                    assertThatThrownBy(() -> client(run, 0).commit(null))
                            .hasMessage("the device has several overlays; name one: top, 1");
                    assertThatThrownBy(() -> client(run, 0).commit("2"))
                            .hasMessage("leg 2 is no overlay; those are: top, 1");

                    client(run, 0).commit("top");
                    assertThat(states(client(run, 0).stat()))
                            .contains("2 0 of 16 clusters", "1.2 16 of 16 clusters");
                    client(run, 0).commit("1");
                    assertThat(states(client(run, 0).stat())).contains("1.2 0 of 16 clusters");
                    assertThat(read(disk)).isEqualTo((byte) 3);
                });
    }

    @Test
    void whoseCommitFailsSayWhy() throws Exception {
        FaultInjector full =
                new FaultInjector(memory(), DiskFault.error(Errno.ENOSPC).on(Operation.WRITE));
        serve(
                overlay(full),
                null,
                (run, disk) -> {
                    write(disk, (byte) 3);
                    assertThatThrownBy(() -> client(run, 0).commit(null))
                            .isInstanceOf(Failure.class)
                            .hasMessageStartingWith("the commit has failed: ");
                    assertThat(read(disk)).isEqualTo((byte) 3);

                    full.clear();
                    client(run, 0).commit(null);
                    assertThat(states(client(run, 0).stat())).contains("2 0 of 16 clusters");
                });
    }

    @Test
    void areKeptInTheStateFile() {
        ServedDevice device =
                new ServedDevice(
                        3,
                        ProcessIdentity.current(),
                        "mirror",
                        "file:/a, file:/b; log=/l",
                        1,
                        128,
                        4096,
                        SIZE,
                        512,
                        false,
                        Instant.EPOCH,
                        null,
                        List.of("mirror", "--log=/l", "file:/a", "file:/b"),
                        "mirror(file:/a, file:/b; log=/l)");

        assertThat(ServedDevice.parse(device.json())).isEqualTo(device);
        assertThat(device.targetText()).isEqualTo("mirror(file:/a, file:/b; log=/l)");
    }
}
