package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.cli.output.Json;
import dev.ublk4j.cli.serve.DeviceStat;
import dev.ublk4j.cli.serve.ImageStat;
import dev.ublk4j.cli.serve.ProcessIdentity;
import dev.ublk4j.cli.serve.ServedDevice;
import dev.ublk4j.cli.serve.ServedExport;
import dev.ublk4j.cli.serve.ServedName;
import dev.ublk4j.qcow2.NewImage;
import dev.ublk4j.qcow2.Snapshot;
import dev.ublk4j.rbd.ImageUse;
import dev.ublk4j.server.DeviceCounters;
import dev.ublk4j.server.DeviceStatistics;
import dev.ublk4j.server.Latency;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.DeviceParams;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("State, as it is printed")
class PrintedStateTest {
    private static final DeviceInfo INFO =
            new DeviceInfo(
                    2,
                    128,
                    1,
                    24,
                    524288,
                    3,
                    4711,
                    Feature.UBLK_F_CMD_IOCTL_ENCODE | Feature.UBLK_F_USER_COPY,
                    0,
                    1000,
                    1000);

    private static final DeviceParams.Basic BASIC =
            new DeviceParams.Basic(1, 12, 12, 12, 12, 1024, 0, 2097152, 0);

    private static final ServedDevice SERVED =
            new ServedDevice(
                    3,
                    new ProcessIdentity(4711, 99),
                    "file",
                    "/srv/disk.img",
                    2,
                    128,
                    524288,
                    1L << 30,
                    4096,
                    true,
                    Instant.parse("2026-01-02T03:04:05Z"),
                    null,
                    List.of());

    @Test
    void aDeviceOfOursIsOneJsonObject() {
        String json = Json.text(new DeviceRow(INFO, BASIC, null, SERVED, false)::write);

        assertThat(json)
                .isEqualTo(
                        "{\"id\":3,\"device\":\"/dev/ublkb3\",\"state\":\"live\",\"degraded\":false,\"mode\":\"user-copy\","
                                + "\"queues\":2,"
                                + "\"depth\":128,\"max_io\":524288,\"size\":1073741824,"
                                + "\"block_size\":4096,\"read_only\":true,\"pid\":4711,"
                                + "\"owner_uid\":1000,\"features\":[\"UBLK_F_CMD_IOCTL_ENCODE\","
                                + "\"UBLK_F_USER_COPY\"],\"target\":\"file\","
                                + "\"source\":\"/srv/disk.img\","
                                + "\"since\":\"2026-01-02T03:04:05Z\"}");
    }

    @Test
    void aDeviceOfAnotherServerHasNoTarget() {
        DeviceRow row = new DeviceRow(INFO, null, null, null, false);

        assertThat(Json.text(row::write)).doesNotContain("target", "size");
        assertThat(row.cells())
                .containsExactly(
                        "3", "live", "user-copy", "2", "128", "-", "-", "4711", "/dev/ublkb3", "-");
    }

    @Test
    void aTableRowIsForAPerson() {
        assertThat(new DeviceRow(INFO, BASIC, null, SERVED, false).cells())
                .hasSameSizeAs(DeviceRow.HEADINGS)
                .containsExactly(
                        "3",
                        "live",
                        "user-copy",
                        "2",
                        "128",
                        "1G",
                        "4096",
                        "4711",
                        "/dev/ublkb3",
                        "file /srv/disk.img");
    }

    @Test
    void aDeviceWithAMirrorThatHasLostALegIsDegraded() {
        DeviceRow row = new DeviceRow(INFO, BASIC, null, SERVED, true);

        assertThat(row.cells()).startsWith("3", "degraded", "user-copy");
        assertThat(Json.text(row::write)).contains("\"state\":\"live\",\"degraded\":true,");
    }

    @Test
    void anExportIsATableRowLikeADevice() {
        ServedExport export =
                new ServedExport(
                        1,
                        new ProcessIdentity(4711, 99),
                        "nbd",
                        "nbd://127.0.0.1:10809/",
                        "memory",
                        null,
                        null,
                        2,
                        128,
                        1 << 20,
                        512,
                        false,
                        Instant.parse("2026-01-02T03:04:05Z"));

        assertThat(new ExportRow(export, true).cells())
                .hasSameSizeAs(DeviceRow.HEADINGS)
                .containsExactly(
                        "e1",
                        "degraded",
                        "-",
                        "2",
                        "128",
                        "1M",
                        "512",
                        "4711",
                        "nbd://127.0.0.1:10809/",
                        "memory");
    }

    @Test
    void theSnapshotsOfAnImageAreListed(@TempDir Path folder) {
        Path image = folder.resolve("disk.qcow2");
        NewImage.ofSize(1 << 20).create(image);
        Run none = Run.of("snapshots", image.toString());
        assertThat(none.status()).isZero();
        assertThat(none.out().lines()).hasSize(1);
        assertThat(Run.of("snapshots", image.toString(), "--json").out().strip()).isEqualTo("[]");
        Run missing = Run.of("snapshots", folder.resolve("missing.qcow2").toString());
        assertThat(missing.status()).isEqualTo(Main.FAILED);
        assertThat(missing.errorLines()).singleElement().asString().contains("missing.qcow2");

        Instant taken = Instant.parse("2026-01-02T03:04:05Z");
        List<Snapshot> some = List.of(new Snapshot("1", "before\nthe update", taken, 1 << 20, 0));
        StringWriter out = new StringWriter();
        SnapshotsCommand.print(some, new PrintWriter(out, true));
        assertThat(out.toString().lines()).hasSize(2);
        assertThat(out.toString()).contains("the update", "2026-01-02T03:04:05Z", "1M");
        assertThat(Json.text(json -> SnapshotsCommand.write(some, json)))
                .isEqualTo(
                        "[{\"id\":\"1\",\"name\":\"before\\nthe update\",\"taken\":"
                                + "\"2026-01-02T03:04:05Z\",\"disk_bytes\":1048576,"
                                + "\"machine_bytes\":0}]");
    }

    private static String features(long bits) {
        StringWriter out = new StringWriter();
        FeaturesCommand.print(bits, new PrintWriter(out, true));
        return out.toString();
    }

    @Test
    void everyFeatureIsListedWhetherSupportedOrNot() {
        String table = features(Feature.UBLK_F_SHMEM_ZC);

        assertThat(table.lines()).hasSize(Feature.values().length + 1);
        assertThat(table).containsPattern("SHMEM_ZC +yes").containsPattern("ZONED +no");
        assertThat(Json.text(json -> FeaturesCommand.write(Feature.UBLK_F_SHMEM_ZC, json)))
                .startsWith("{\"bits\":\"0x80000\",\"features\":[{\"name\":")
                .contains("{\"name\":\"UBLK_F_SHMEM_ZC\",\"supported\":true,")
                .contains("{\"name\":\"UBLK_F_ZONED\",\"supported\":false,");
    }

    @Test
    void aFeatureThatThisProgramDoesNotKnowIsShown() {
        assertThat(features(1L << 62)).containsPattern("0x4000000000000000 +yes");
    }

    private static String stat(DeviceStat stat) {
        StringWriter out = new StringWriter();
        StatText.print(stat, new PrintWriter(out, true));
        return out.toString();
    }

    private static DeviceStat stat(@Nullable Map<String, Long> misses, long lost) {
        return new DeviceStat(
                ServedName.device(3),
                "file /srv/disk.img",
                "user-copy",
                new DeviceStatistics(
                        new DeviceCounters(10, 40960, 5, 20480),
                        Map.of("read", 15L),
                        1,
                        lost,
                        2,
                        128,
                        2,
                        new Latency(9, 1500, 20_000, 30_000_000)),
                misses);
    }

    @Test
    void statisticsSayNoMoreThanIsKnown() {
        assertThat(stat(stat(null, 0)))
                .isEqualTo(
                        """
                        device 3, file /srv/disk.img
                          mode         user-copy
                          threads      2
                          requests     read 15
                          failed       1
                          in use       2 of 128
                          shared       10 requests, 40K
                          copied       5 requests, 20K
                          not shared   5, the kernel does not report why
                          latency      median 1500 ns, 99th percentile 20 us, maximum 30 ms, of 9 samples
                        """);
        assertThat(stat(stat(Map.of("read-only", 5L, "frames unknown", 0L), 7)))
                .contains("  not shared   read-only 5\n", "  lost buffer  7, in memory that only");
    }

    private static DeviceStat statOf(ImageStat image) {
        DeviceStat plain = stat(null, 0);
        return new DeviceStat(
                plain.name(),
                plain.target(),
                plain.mode(),
                plain.done(),
                null,
                List.of(),
                List.of(image),
                plain.adopted());
    }

    @Test
    void theUsersOfAnImageAreShown() {
        ImageUse use = new ImageUse("10.0.0.1:0/7", true, List.of("10.0.0.1:0/7", "10.0.0.2:0/9"));
        assertThat(stat(statOf(new ImageStat("rbd/disk", use))))
                .contains(
                        "  image        rbd/disk, locked by 10.0.0.1:0/7, this server; watchers:"
                                + " 10.0.0.1:0/7, 10.0.0.2:0/9\n");
        ImageUse free = new ImageUse(null, false, List.of());
        assertThat(stat(statOf(new ImageStat("rbd/disk", free))))
                .contains("  image        rbd/disk, not locked; watchers: none\n");
        assertThat(stat(statOf(new ImageStat("rbd/disk", null))))
                .contains("rbd/disk, the cluster does not say who uses it");
        assertThat(statOf(new ImageStat("rbd/disk", use)).json())
                .contains(
                        "{\"image\":\"rbd/disk\",\"lock_owner\":\"10.0.0.1:0/7\","
                                + "\"locked_here\":true,\"watchers\":[\"10.0.0.1:0/7\",");
    }

    @Test
    void aWatchShowsWhatHasBeenDoneInTheInterval() {
        StatTable table = new StatTable(Duration.ofMillis(500));
        StringWriter out = new StringWriter();
        table.print(List.of(stat(null, 0)), new PrintWriter(out, true));
        DeviceStatistics done =
                new DeviceStatistics(
                        new DeviceCounters(12, 49152, 5, 20480),
                        Map.of("read", 17L, "flush", 1L),
                        2,
                        0,
                        0,
                        128,
                        2,
                        new Latency(9, 1500, 20_000, 30_000_000));
        table.print(
                List.of(new DeviceStat(ServedName.device(3), "file x", "copy", done, null)),
                new PrintWriter(out, true));

        assertThat(out.toString().lines().toList().get(3).split(" +", -1))
                .containsExactly("3", "4", "0", "2", "16K", "0", "1", "0/128", "20", "us");
    }

    @Test
    void devicesAreFoundByTheirCharDevices(@TempDir Path dev) throws IOException {
        for (String name :
                new String[] {"ublkc10", "ublkc2", "ublkb2", "ublkc2x", "ublk-control"}) {
            Files.createFile(dev.resolve(name));
        }

        assertThat(Devices.in(dev)).containsExactly(2, 10);
    }
}
