package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.cli.output.Json;
import dev.ublk4j.cli.serve.DeviceStat;
import dev.ublk4j.cli.serve.ProcessIdentity;
import dev.ublk4j.cli.serve.ServedDevice;
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
        String json = Json.text(new DeviceRow(INFO, BASIC, SERVED)::write);

        assertThat(json)
                .isEqualTo(
                        "{\"id\":3,\"device\":\"/dev/ublkb3\",\"state\":\"live\",\"queues\":2,"
                                + "\"depth\":128,\"max_io\":524288,\"size\":1073741824,"
                                + "\"block_size\":4096,\"read_only\":true,\"pid\":4711,"
                                + "\"owner_uid\":1000,\"features\":[\"UBLK_F_CMD_IOCTL_ENCODE\","
                                + "\"UBLK_F_USER_COPY\"],\"target\":\"file\","
                                + "\"source\":\"/srv/disk.img\","
                                + "\"since\":\"2026-01-02T03:04:05Z\"}");
    }

    @Test
    void aDeviceOfAnotherServerHasNoTarget() {
        DeviceRow row = new DeviceRow(INFO, null, null);

        assertThat(Json.text(row::write)).doesNotContain("target", "size");
        assertThat(row.cells())
                .containsExactly("3", "live", "2", "128", "-", "-", "4711", "/dev/ublkb3", "-");
    }

    @Test
    void aTableRowIsForAPerson() {
        assertThat(new DeviceRow(INFO, BASIC, SERVED).cells())
                .hasSameSizeAs(DeviceRow.HEADINGS)
                .containsExactly(
                        "3",
                        "live",
                        "2",
                        "128",
                        "1G",
                        "4096",
                        "4711",
                        "/dev/ublkb3",
                        "file /srv/disk.img");
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
                3,
                "file /srv/disk.img",
                new DeviceStatistics(
                        new DeviceCounters(10, 40960, 5, 20480),
                        Map.of("read", 15L),
                        1,
                        lost,
                        2,
                        128,
                        new Latency(9, 1500, 20_000, 30_000_000)),
                misses);
    }

    @Test
    void statisticsSayNoMoreThanIsKnown() {
        assertThat(stat(stat(null, 0)))
                .isEqualTo(
                        """
                        device 3, file /srv/disk.img
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
                        new Latency(9, 1500, 20_000, 30_000_000));
        table.print(List.of(new DeviceStat(3, "file x", done, null)), new PrintWriter(out, true));

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
