package dev.ublk4j.rbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Deadline;
import dev.ublk4j.testkit.InFlight;
import dev.ublk4j.testkit.TestBed;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A cluster without room. */
@Timeout(300)
class FullClusterTest {
    private static final int BLOCK = 64 << 10;

    /** A write that takes longer than this is taken to wait. */
    private static final Duration WAIT = Duration.ofSeconds(5);

    private TestCluster cluster;

    @BeforeEach
    void start() {
        cluster = TestCluster.get();
    }

    @AfterEach
    void repair() {
        if (cluster != null) {
            setFullAt("0.95");
            String _ = cluster.ceph("osd", "set-backfillfull-ratio", "0.9");
            String _ = cluster.ceph("osd", "set-nearfull-ratio", "0.85");
            await("not full", false);
        }
    }

    private void setFullAt(String ratio) {
        String _ = cluster.ceph("osd", "set-full-ratio", ratio);
    }

    private void await(String what, boolean full) {
        assertThat(
                        Deadline.in(Duration.ofMinutes(1))
                                .poll(
                                        Duration.ofMillis(200),
                                        () -> cluster.ceph("health").contains("full osd") == full))
                .as(what)
                .isTrue();
    }

    private void fill() {
        // Each is below the next, or none of them counts.
        String _ = cluster.ceph("osd", "set-nearfull-ratio", "0.00001");
        String _ = cluster.ceph("osd", "set-backfillfull-ratio", "0.00002");
        setFullAt("0.00003");
        await("full", true);
    }

    @Test
    void writesWaitUntilThereIsRoomAgain() {
        try (TestBed bed = TestBed.of(cluster.open(cluster.image("8M")))) {
            bed.write(0, new byte[BLOCK]);
            fill();
            MemorySegment data = bed.memory(BLOCK);
            data.fill((byte) 1);
            // The first ones may be there before the client hears of it.
            InFlight write = bed.submit(request -> request.write(0).add(data));
            while (Deadline.in(WAIT).poll(Duration.ofMillis(50), write::isDone)) {
                write = bed.submit(request -> request.write(0).add(data));
            }
            assertThat(bed.read(BLOCK, BLOCK)).isEqualTo(new byte[BLOCK]);
            setFullAt("0.95");
            assertThat(write.check()).isEqualTo(BLOCK);
            assertThat(bed.read(0, BLOCK)[0]).isEqualTo((byte) 1);
        }
    }

    @Test
    void anImageIsOpenedToBeReadButNotToBeWritten() {
        RbdImageName name = cluster.image("8M");
        fill();
        RbdOptions hasty = cluster.options().withPatience(Duration.ofSeconds(6));
        assertThatThrownBy(() -> RbdTarget.open(name, hasty))
                .isInstanceOf(CephException.class)
                .hasMessageContaining("are its OSDs up, and not full");
        try (TestBed bed = TestBed.of(RbdTarget.open(name, hasty.withReadOnly(true)))) {
            assertThat(bed.read(0, BLOCK)).isEqualTo(new byte[BLOCK]);
        }
    }
}
