package dev.ublk4j.guest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.crash.CrashLab;
import dev.ublk4j.crash.CrashOptions;
import dev.ublk4j.crash.CrashReport;
import dev.ublk4j.crash.CrashedDisk;
import dev.ublk4j.crash.DiskModel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * PostgreSQL on ext4 as a victim, in the small root that {@code vm/fetch-postgresql} makes of
 * Debian's packages.
 */
@DisplayName("After a power cut, PostgreSQL")
@Timeout(value = 3, unit = TimeUnit.HOURS) // for the many images of guest/power-cuts
final class PostgresqlCrashTest {
    private static final long IMAGES = Long.getLong("ublk4j.cuts", 10);
    private static final long SEED = Long.getLong("ublk4j.seed", 1);
    private static final int SIZE = 96 << 20;
    private static final int PHYSICAL_BLOCK = 4096;
    private static final int ROWS = 8;

    /**
     * Makes {@code $root} a system to change into, and {@code as} what runs a program in it: the
     * server refuses root.
     */
    private static final String PREPARATION =
            """
            cd "$root" || exit
            [ -e dev/null ] || { mount --rbind /dev dev && mount --bind /proc proc && mount --bind /tmp tmp; } || exit
            bin=$(echo usr/lib/postgresql/*/bin)
            as() { program=$1; shift; chroot --userspec=65533:65533 . "/$bin/$program" "$@"; }
            """;

    private static final String SETTINGS =
            "-c listen_addresses= -c unix_socket_directories=/tmp -c shared_buffers=4MB -c max_connections=5"
                    + " -c min_wal_size=2MB -c max_wal_size=4MB";

    private final Path root = GuestTools.postgresql();

    @Test
    void hasEveryRowThatWasCommitted() throws Exception {
        GuestTools.require(List.of("mkfs.ext4", "chroot"));
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
                mount(linux);
                startServer(linux);
            });
            lab.record(_ -> {
                for (int i = 1; i <= ROWS; i++) {
                    sql(linux, "insert into t values(%d, repeat('x', 3000))".formatted(i));
                    lab.mark(i);
                    if (i == ROWS / 2) {
                        sql(linux, "checkpoint");
                    }
                }
                linux.cutPower();
            });
            CrashReport report = lab.eachCrash(disk -> check(linux, disk));
            System.out.println("PostgreSQL: " + report);
            assertThat(report.images()).isPositive();
        }
    }

    private void mount(GuestLinux linux) throws Exception {
        linux.mount(0, root.resolve("mnt").toString(), "ext4", "");
    }

    private String run(GuestLinux linux, String commands) throws Exception {
        return linux.run("root='%s'\n%s%s".formatted(root, PREPARATION, commands)).check().output();
    }

    private void startServer(GuestLinux linux) throws Exception {
        String commands =
                """
                mkdir mnt/db && chown 65533:65533 mnt/db
                as initdb -D /mnt/db --no-locale -E UTF8 -A trust --wal-segsize=1 --no-sync >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }
                sync
                as postgres -D /mnt/db %s >/tmp/log 2>&1 &
                for i in $(seq 300); do
                    as psql -q -h /tmp -U postgres -c 'create table t(i int primary key, s text)' 2>/tmp/why && exit
                    sleep 0.1
                done
                cat /tmp/why /tmp/log
                exit 1
                """;
        String _ = run(linux, commands.formatted(SETTINGS));
    }

    private void sql(GuestLinux linux, String statement) throws Exception {
        String _ = run(linux, "as psql -q -h /tmp -U postgres -c \"%s\"".formatted(statement));
    }

    /** Recovers with a server of one process and for one user, which ends with its input. */
    private void check(GuestLinux linux, CrashedDisk disk) throws Exception {
        linux.insert(disk);
        mount(linux);
        int promised = (int) disk.lastMark().orElse(0);
        String commands =
                """
                as postgres --single -D /mnt/db %s postgres 2>&1 <<'END'
                select 'rows ' || count(*) || ', last ' || coalesce(max(i), 0) as found from t where length(s) = 3000
                set enable_seqscan = off
                select 'keys ' || count(i) as found from t where i > 0
                END
                """;
        String found = run(linux, commands.formatted(SETTINGS));
        assertThat(found)
                .as("%d rows were committed", promised)
                .containsAnyOf(rows(promised), rows(promised + 1));
        int rows = found.contains(rows(promised)) ? promised : promised + 1;
        assertThat(found).contains("\"keys %d\"".formatted(rows)).doesNotContain("ERROR", "PANIC");
        linux.unmount(root.resolve("mnt").toString());
    }

    private static String rows(int count) {
        return "\"rows %d, last %d\"".formatted(count, count);
    }
}
