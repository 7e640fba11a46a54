package dev.ublk4j.guest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.crash.CrashLab;
import dev.ublk4j.crash.CrashOptions;
import dev.ublk4j.crash.CrashReport;
import dev.ublk4j.crash.CrashedDisk;
import dev.ublk4j.crash.DiskModel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Databases on ext4 as victims, as Debian has them. */
@DisplayName("After a power cut, a database")
@Timeout(value = 3, unit = TimeUnit.HOURS) // for the many images of guest/power-cuts
final class DatabaseCrashTest {
    private static final long IMAGES = Long.getLong("ublk4j.cuts", 10);
    private static final long SEED = Long.getLong("ublk4j.seed", 1);
    private static final int SIZE = 32 << 20;
    private static final int PHYSICAL_BLOCK = 4096;

    /**
     * SQLite promises that a row outlives the power with {@code extra} only, where it keeps a
     * rollback journal: with {@code full} the folder is not synchronized when the journal is
     * deleted, and a journal that is back undoes what was committed.
     */
    @ParameterizedTest(name = "SQLite with journal_mode={0}, synchronous={1}")
    @CsvSource({"delete, extra", "wal, full"})
    void hasEveryRowThatWasCommitted(String journal, String synchronous) throws Exception {
        GuestTools.require(List.of("mkfs.ext4", "sqlite3"));
        CrashOptions options =
                CrashOptions.defaults()
                        .withSize(SIZE)
                        .with(DiskModel.volatileCache().tearingAt(PHYSICAL_BLOCK))
                        .withImages(IMAGES)
                        .withSeed(SEED)
                        .withTimeLimit(Duration.ofHours(1))
                        .withCheckLimit(Duration.ofMinutes(2));
        try (CrashLab lab = CrashLab.create(options);
                GuestLinux linux = GuestLinux.boot(GuestOptions.defaults().withSlot(SIZE))) {
            lab.prepare(disk -> {
                linux.insert(disk);
                linux.run("mkfs.ext4 -q -F /dev/vda").check();
                linux.mount(0, "/mnt", "ext4", "");
                sql(
                        linux,
                        "pragma journal_mode=%s; create table t(i integer primary key, s text);"
                                .formatted(journal));
                linux.run("sync").check();
            });
            lab.record(_ -> {
                for (int i = 1; i <= 8; i++) {
                    sql(
                            linux,
                            "pragma synchronous=%s; insert into t values(%d, hex(zeroblob(3000)));"
                                    .formatted(synchronous, i));
                    lab.mark(i);
                }
                linux.unmount("/mnt");
            });
            CrashReport report = lab.eachCrash(disk -> check(linux, disk));
            System.out.printf("SQLite, %s, %s: %s%n", journal, synchronous, report);
            assertThat(report.images()).isPositive();
        }
    }

    private static String sql(GuestLinux linux, String statements) throws Exception {
        return linux.run("sqlite3 -batch /mnt/db <<'END'\n%s\nEND".formatted(statements))
                .check()
                .output();
    }

    private static void check(GuestLinux linux, CrashedDisk disk) throws Exception {
        linux.insert(disk);
        linux.mount(0, "/mnt", "ext4", "");
        int promised = (int) disk.lastMark().orElse(0);
        String found =
                sql(
                        linux,
                        "pragma integrity_check; select count(*), coalesce(max(i), 0) from t"
                                + " where length(s) = 6000;");
        assertThat(found)
                .as("%d rows were committed", promised)
                .isIn(
                        "ok\n%d|%d\n".formatted(promised, promised),
                        "ok\n%d|%d\n".formatted(promised + 1, promised + 1));
        linux.unmount("/mnt");
    }
}
