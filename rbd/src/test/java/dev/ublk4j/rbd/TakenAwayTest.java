package dev.ublk4j.rbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.testkit.TestBed;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Images that are removed, or taken by another, while they are served. */
@Timeout(300)
class TakenAwayTest {
    private static final int BLOCK = 64 << 10;
    private static final Duration MINUTE = Duration.ofMinutes(1);

    private TestCluster cluster;

    @BeforeEach
    void start() {
        cluster = TestCluster.get();
    }

    private static byte[] block(int value) {
        byte[] block = new byte[BLOCK];
        Arrays.fill(block, (byte) value);
        return block;
    }

    private static void await(BooleanSupplier condition) {
        assertThat(Deadline.in(MINUTE).poll(Duration.ofMillis(100), condition)).isTrue();
    }

    private static boolean fails(Runnable request) {
        try {
            request.run();
            return false;
        } catch (LinuxException _) {
            return true;
        }
    }

    /** {@return what the names of an image's objects begin with, behind their kind} */
    private String id(RbdImageName name) {
        String prefix = "block_name_prefix: rbd_data.";
        return cluster.rbd("info", name.toString())
                .lines()
                .map(String::strip)
                .filter(line -> line.startsWith(prefix))
                .map(line -> line.substring(prefix.length()))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void anImageWhoseHeaderIsRemovedIsReadAndNoLongerWritten() {
        RbdImageName name = cluster.image("8M");
        try (RbdTarget target = cluster.open(name);
                TestBed bed = TestBed.of(target)) {
            bed.write(0, block(1));
            String _ = cluster.rados("-p", "rbd", "rm", "rbd_header." + id(name));
            await(() -> fails(() -> bed.write(0, block(1))));
            assertThatThrownBy(bed::flush).isInstanceOf(LinuxException.class);
            assertThat(bed.read(0, BLOCK)).isEqualTo(block(1));
            assertThat(target.use(MINUTE)).isNull();
        }
        assertThatThrownBy(() -> cluster.open(name)).isInstanceOf(CephException.class);
    }

    @Test
    void dataThatIsRemovedReadsAsZeroesAndCanBeWrittenAgain() {
        RbdImageName name = cluster.image("8M");
        try (TestBed bed = TestBed.of(cluster.open(name))) {
            bed.write(0, block(1));
            String object = "rbd_data." + id(name) + ".0000000000000000";
            String _ = cluster.rados("-p", "rbd", "rm", object);
            assertThat(bed.read(0, BLOCK)).isEqualTo(block(0));
            bed.write(BLOCK, block(2));
            bed.flush();
            assertThat(bed.read(BLOCK, BLOCK)).isEqualTo(block(2));
        }
    }

    @Test
    void anImageThatIsRemovedFromUnderAServerThatIsShutOutFailsItsRequests() {
        RbdImageName name = cluster.image("8M");
        try (RbdTarget target = cluster.open(name);
                TestBed bed = TestBed.of(target)) {
            bed.write(0, block(1));
            String us = Objects.requireNonNull(target.use(MINUTE)).lockOwner();
            String _ = cluster.ceph("osd", "blocklist", "add", us);
            await(() -> cluster.rbd("status", name.toString()).contains("Watchers: none"));
            cluster.rbd("rm", "--no-progress", name.toString());
            assertThatThrownBy(() -> bed.write(0, block(2))).isInstanceOf(LinuxException.class);
            assertThatThrownBy(() -> bed.read(0, BLOCK)).isInstanceOf(LinuxException.class);
            assertThatThrownBy(bed::flush).isInstanceOf(LinuxException.class);
            assertThat(target.use(MINUTE)).isNull();
        }
        assertThat(cluster.rbd("ls", "rbd").lines()).doesNotContain(name.image());
    }

    @Test
    void aSnapshotThatIsRemovedWhileItIsServedIsNotReadAsZeroes() {
        RbdImageName name = cluster.image("8M");
        try (TestBed bed = TestBed.of(cluster.open(name))) {
            bed.write(0, block(1));
            cluster.rbd("snap", "create", name + "@old");
            bed.write(0, block(2));
        }
        RbdImageName old = RbdImageName.parse(name + "@old");
        try (RbdTarget target = cluster.open(old);
                TestBed bed = TestBed.of(target)) {
            assertThat(bed.read(0, BLOCK)).isEqualTo(block(1));
            cluster.rbd("snap", "rm", "--no-progress", old.toString());
            // Its data goes some time later, which would read as zeroes.
            assertThat(fails(() -> bed.read(0, BLOCK))).isTrue();
            assertThat(fails(() -> bed.read(4 << 20, BLOCK))).isTrue();
        }
    }

    @Test
    void anImageThatIsOnlyReadIsNotRemovedEither() {
        RbdImageName name = cluster.image("8M");
        try (TestBed bed = TestBed.of(RbdTarget.open(name, cluster.options().withReadOnly(true)))) {
            assertThatThrownBy(() -> cluster.rbd("rm", "--no-progress", name.toString()))
                    .hasMessageContaining("image still has watchers");
            assertThat(bed.read(0, BLOCK)).isEqualTo(block(0));
        }
    }

    @Test
    void aCloneIsServedWhileItIsMadeIndependentOfItsSnapshot() {
        RbdImageName name = cluster.image("8M");
        try (TestBed bed = TestBed.of(cluster.open(name))) {
            bed.write(0, block(1));
        }
        String snapshot = name + "@base";
        cluster.rbd("snap", "create", snapshot);
        cluster.rbd("snap", "protect", snapshot);
        cluster.rbd("clone", snapshot, name + "-clone");
        try (TestBed bed = TestBed.of(cluster.open(RbdImageName.parse(name + "-clone")))) {
            bed.write(BLOCK, block(2));
            cluster.rbd("flatten", "--no-progress", name + "-clone");
            cluster.rbd("snap", "unprotect", snapshot);
            cluster.rbd("snap", "rm", "--no-progress", snapshot);
            assertThat(bed.read(0, BLOCK)).isEqualTo(block(1));
            assertThat(bed.read(BLOCK, BLOCK)).isEqualTo(block(2));
        }
    }

    @Test
    void whoTakesTheLockHasAllThatWasAcknowledgedAndNothingThatCameAfter() throws Exception {
        RbdImageName name = cluster.image("8M");
        List<String> java = List.of(WritingServer.java());
        try (WritingServer first = WritingServer.start(java, cluster.configuration(), name)) {
            first.await(20);
            RbdOptions breaking = cluster.options().withBreakLock(true);
            try (TestBed second = TestBed.of(RbdTarget.open(name, breaking))) {
                byte[] image = second.read(0, WritingServer.BYTES);
                assertThat(first.failure()).contains("EIO");
                first.verify(image);
                assertThat(first.use()).isEqualTo("null");
                assertThat(second.read(0, WritingServer.BYTES)).isEqualTo(image);
            }
        }
    }
}
