package dev.ublk4j.rbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Extents;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Resizable;
import dev.ublk4j.testkit.Exerciser;
import dev.ublk4j.testkit.SharedArea;
import dev.ublk4j.testkit.TestBed;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Images of a real cluster. */
@Timeout(300)
class RbdTargetTest {
    private static final int MIB = 1 << 20;
    private static final int BLOCK = 64 << 10;

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
        assertThat(Deadline.in(Duration.ofMinutes(2)).poll(Duration.ofMillis(50), condition))
                .isTrue();
    }

    @Test
    void randomRequestsFindWhatAModelHas() {
        RbdImageName name = cluster.image("8M");
        Exerciser.of(() -> cluster.open(name)).withRestarts().withRounds(2).run();
    }

    @Test
    void severalQueuesShareAnImage() {
        RbdImageName name = cluster.image("16M");
        Exerciser.of(() -> cluster.open(name))
                .withOptions(TestBed.options().withQueues(3).withDepth(8))
                .withRounds(2)
                .run();
    }

    @Test
    void theObjectsOfAnImageAreTheUnitOfItsGeometry() {
        RbdImageName name = cluster.image("32M", "--object-size", "1M");
        try (RbdTarget target = cluster.open(name)) {
            Geometry geometry = target.geometry();
            assertThat(geometry.size()).isEqualTo(32 * MIB);
            assertThat(geometry.optimalIo()).isEqualTo(MIB);
            assertThat(geometry.discardGranularity()).isEqualTo(MIB);
            assertThat(geometry.forcedUnitAccess()).isTrue();
            assertThat(target.ability(Resizable.class)).isNotNull();
        }
    }

    @Test
    void sharedMemoryIsHandedToTheLibraryAsItIs() {
        try (TestBed bed = TestBed.of(cluster.open(cluster.image("8M")))) {
            SharedArea area = bed.share(BLOCK);
            area.memory().fill((byte) 7);
            long _ =
                    bed.submit(request -> request.write(BLOCK).add(area.client(), 0, BLOCK))
                            .check();
            area.memory().fill((byte) 0);
            long _ =
                    bed.submit(request -> request.read(BLOCK).add(area.client(), 0, BLOCK)).check();
            assertThat(area.memory().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE))
                    .isEqualTo(block(7));
            assertThat(bed.device().counters().sharedBytes()).isEqualTo(2L * BLOCK);
        }
    }

    @Test
    void aSnapshotIsADeviceThatStaysAsItWas() {
        RbdImageName name = cluster.image("8M");
        try (TestBed bed = TestBed.of(cluster.open(name))) {
            bed.write(0, block(1));
            bed.flush();
            cluster.rbd("snap", "create", name + "@before");
            bed.write(0, block(2));
            bed.flush();
            RbdImageName before = RbdImageName.parse(name + "@before");
            try (TestBed old = TestBed.of(cluster.open(before))) {
                assertThat(old.device().geometry().readOnly()).isTrue();
                assertThat(old.read(0, BLOCK)).isEqualTo(block(1));
                assertThatThrownBy(() -> old.write(0, block(3))).isInstanceOf(LinuxException.class);
            }
            assertThat(bed.read(0, BLOCK)).isEqualTo(block(2));
        }
    }

    @Test
    void aCloneOfASnapshotHasItsDataAndItsOwn() {
        RbdImageName name = cluster.image("8M");
        try (TestBed bed = TestBed.of(cluster.open(name))) {
            bed.write(0, block(1));
            bed.flush();
        }
        cluster.rbd("snap", "create", name + "@base");
        cluster.rbd("snap", "protect", name + "@base");
        cluster.rbd("clone", name + "@base", name + "-clone");
        try (TestBed bed = TestBed.of(cluster.open(RbdImageName.parse(name + "-clone")))) {
            assertThat(bed.read(0, BLOCK)).isEqualTo(block(1));
            bed.write(BLOCK, block(2));
            bed.discard(0, BLOCK);
            assertThat(bed.read(BLOCK, BLOCK)).isEqualTo(block(2));
        }
    }

    @Test
    void aDeviceFollowsAnImageThatIsResizedElsewhere() {
        RbdImageName name = cluster.image("8M");
        try (TestBed bed = TestBed.of(cluster.open(name))) {
            cluster.rbd("resize", "--size", "16M", name.toString());
            await(() -> bed.disk().size() == 16 * MIB);
            bed.write(16 * MIB - BLOCK, block(4));
            assertThat(bed.read(16 * MIB - BLOCK, BLOCK)).isEqualTo(block(4));
            cluster.rbd("resize", "--allow-shrink", "--size", "4M", name.toString());
            await(() -> bed.disk().size() == 4 * MIB);
        }
    }

    @Test
    void aDeviceThatIsOnlyReadFollowsItsImageAsWell() {
        RbdImageName name = cluster.image("8M");
        try (TestBed bed = TestBed.of(RbdTarget.open(name, cluster.options().withReadOnly(true)))) {
            cluster.rbd("resize", "--size", "16M", name.toString());
            await(() -> bed.disk().size() == 16 * MIB);
            assertThat(bed.read(16 * MIB - BLOCK, BLOCK)).isEqualTo(block(0));
            assertThatThrownBy(() -> bed.device().resize(8 * MIB))
                    .isInstanceOf(CephException.class)
                    .hasMessageContaining("is only read");
        }
        assertThat(cluster.rbd("info", name.toString())).contains("size 16 MiB");
    }

    /** One who may only read may not watch an image either. */
    @Test
    void aUserWhoMayOnlyReadReads() {
        RbdImageName name = cluster.image("8M");
        try (TestBed bed = TestBed.of(cluster.open(name))) {
            bed.write(0, block(1));
        }
        cluster.addUser("reader", "mon", "profile rbd", "osd", "profile rbd-read-only");
        RbdOptions reading = cluster.options().withUser("reader").withReadOnly(true);
        try (TestBed bed = TestBed.of(RbdTarget.open(name, reading))) {
            assertThat(bed.read(0, BLOCK)).isEqualTo(block(1));
        }
    }

    @Test
    void anImageFollowsADeviceThatIsResized() {
        RbdImageName name = cluster.image("8M");
        try (TestBed bed = TestBed.of(cluster.open(name))) {
            bed.device().resize(12 * MIB);
            assertThat(cluster.rbd("info", name.toString())).contains("size 12 MiB");
            bed.device().resize(4 * MIB);
            assertThat(cluster.rbd("info", name.toString())).contains("size 4 MiB");
        }
    }

    @Test
    void whatHasNoObjectIsAHole() {
        RbdImageName name = cluster.image("32M");
        try (TestBed bed = TestBed.of(cluster.open(name))) {
            bed.write(9 * MIB, block(1));
            bed.flush();
            AllocationMap map =
                    Objects.requireNonNull(bed.device().target().ability(AllocationMap.class));
            Extents extents = new Extents(10);
            map.describe(4 * MIB, 20 * MIB, extents);
            assertThat(extents.count()).isEqualTo(3);
            assertThat(extents.isData(0)).isFalse();
            assertThat(extents.length(0)).isEqualTo(4 * MIB);
            assertThat(extents.length(1)).isEqualTo(4 * MIB);
            assertThat(extents.described()).isEqualTo(20 * MIB);
        }
    }

    @Test
    void anImageIsWrittenByOneClientAtATime() {
        RbdImageName name = cluster.image("8M");
        RbdOptions hasty = cluster.options().withPatience(Duration.ofSeconds(3));
        try (TestBed first = TestBed.of(cluster.open(name))) {
            first.write(0, block(1));
            first.flush();
            assertThatThrownBy(() -> RbdTarget.open(name, hasty).close())
                    .isInstanceOf(CephException.class)
                    .hasMessageContaining("is locked by a client at")
                    .hasMessageContaining("--break-lock")
                    .hasMessageNotContaining("\n");
            try (TestBed second =
                    TestBed.of(RbdTarget.open(name, cluster.options().withBreakLock(true)))) {
                assertThat(second.read(0, BLOCK)).isEqualTo(block(1));
                second.write(0, block(2));
                second.flush();
                assertThatThrownBy(() -> first.write(0, block(3)))
                        .isInstanceOf(LinuxException.class);
                assertThat(second.read(0, BLOCK)).isEqualTo(block(2));
            }
        }
    }

    @Test
    void whoUsesAnImageIsKnown() {
        Duration minute = Duration.ofMinutes(1);
        RbdImageName name = cluster.image("8M");
        try (RbdTarget writer = cluster.open(name);
                RbdTarget reader = RbdTarget.open(name, cluster.options().withReadOnly(true))) {
            ImageUse writers = Objects.requireNonNull(writer.use(minute));
            ImageUse readers = Objects.requireNonNull(reader.use(minute));
            assertThat(writers.isOurs()).isTrue();
            assertThat(readers.isOurs()).isFalse();
            assertThat(readers.lockOwner()).isEqualTo(writers.lockOwner()).isNotNull();
            assertThat(readers.watchers()).hasSize(2).contains(writers.lockOwner());
            assertThat(writer.name()).isEqualTo(name);
        }
        RbdImageName plain = cluster.image("8M", "--image-feature", "layering");
        try (RbdTarget unlocked = cluster.open(plain)) {
            assertThat(Objects.requireNonNull(unlocked.use(minute)).lockOwner()).isNull();
        }
    }

    /** Statistics are asked for of a device that the cluster has shut out, too. */
    @Test
    void whoUsesAnImageThatIsLostIsNotKnown() {
        Duration minute = Duration.ofMinutes(1);
        RbdImageName name = cluster.image("8M");
        try (RbdTarget first = cluster.open(name);
                RbdTarget second = RbdTarget.open(name, cluster.options().withBreakLock(true))) {
            assertThat(first.use(minute)).isNull();
            assertThat(first.use(minute)).as("asked again").isNull();
            assertThat(Objects.requireNonNull(second.use(minute)).isOurs()).isTrue();
        }
    }

    @Test
    void anImageThatIsOpenIsNotRemoved() {
        RbdImageName name = cluster.image("8M");
        try (TestBed bed = TestBed.of(cluster.open(name))) {
            bed.write(0, block(1));
            assertThatThrownBy(() -> cluster.rbd("rm", "--no-progress", name.toString()))
                    .hasMessageContaining("image still has watchers");
            assertThat(bed.read(0, BLOCK)).isEqualTo(block(1));
        }
        cluster.rbd("rm", "--no-progress", name.toString());
    }

    @Test
    void whatIsNotThereIsNamed() {
        RbdImageName name = cluster.image("8M");
        assertThatThrownBy(() -> cluster.open(RbdImageName.parse("nowhere/disk")))
                .hasMessage("there is no pool nowhere; there are: rbd");
        assertThatThrownBy(() -> cluster.open(RbdImageName.parse("rbd/nothing")))
                .hasMessageStartingWith("there is no image nothing in rbd;");
        assertThatThrownBy(() -> cluster.open(RbdImageName.parse(name + "@never")))
                .hasMessageStartingWith("image %s has no snapshot never;".formatted(name));
        assertThatThrownBy(() -> RbdTarget.open(name, cluster.options().withUser("nobody")))
                .isInstanceOf(CephException.class)
                .hasMessageContaining("client.nobody");
    }
}
