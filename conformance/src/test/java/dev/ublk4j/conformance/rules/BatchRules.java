package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.conformance.device.Handler;
import dev.ublk4j.conformance.device.MemoryBackend;
import dev.ublk4j.conformance.device.QueueLoop;
import dev.ublk4j.conformance.device.Seen;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.BatchIoLayout;
import dev.ublk4j.uapi.wire.ElemHeaderLayout;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.IoResult;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the char device answers to commands for many tags ({@code UBLK_F_BATCH_IO}). */
public abstract class BatchRules extends LaneRules {
    private static final int PREPARE = IoCommand.UBLK_U_IO_PREP_IO_CMDS;
    private static final int COMMIT = IoCommand.UBLK_U_IO_COMMIT_IO_CMDS;
    private static final int E2BIG = Errno.E2BIG.negated();
    private static final int WITH_ADDRESS = BatchIoLayout.UBLK_BATCH_F_HAS_BUF_ADDR;
    private static final int ELEMENT = ElemHeaderLayout.elementBytes(WITH_ADDRESS);

    protected BatchRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    @BeforeEach
    void since70() {
        assumeTrue(
                control().features().contains(Feature.BATCH_IO), "a rule of Linux 7.0 and later");
    }

    private static Shape batch() {
        return Shape.plain().with(Feature.BATCH_IO);
    }

    private static int prepare(QueueLoop queue, int flags, int count, long address) {
        return queue.callMany(PREPARE, 0, flags, count, address);
    }

    private static int commit(QueueLoop queue, int count, long address) {
        return queue.callMany(COMMIT, 0, WITH_ADDRESS, count, address);
    }

    @Test
    void aDeviceOfBatchesIsAskedForNoBuffersAndHasNoThreadForEachTag() {
        try (TestDevice device = added(batch().with(Feature.NEED_GET_DATA))) {
            assertThat(device.info().features())
                    .contains(Feature.BATCH_IO)
                    .doesNotContain(Feature.NEED_GET_DATA, Feature.PER_IO_DAEMON);
        }
    }

    @Test
    void requestsGoThroughBatchesAsThroughTagsOfTheirOwn() {
        for (Feature[] more : new Feature[][] {{}, {Feature.USER_COPY}, {Feature.SHMEM_ZC}}) {
            MemoryBackend backend = new MemoryBackend(Shape.SIZE);
            try (TestDevice device = live(batch().with(2, 16).with(more), backend);
                    Arena arena = Arena.ofShared();
                    ClientArea area = lane().area(pattern(pages(arena, 64L * PAGE), 5));
                    ClientDisk disk = device.open()) {
                List<CompletableFuture<Long>> answers = new ArrayList<>();
                for (int i = 0; i < 64; i++) {
                    long place = (long) i * PAGE;
                    answers.add(disk.submit(Io.write(place, area.piece(place, PAGE))));
                }
                answers.forEach(answer -> assertThat(ClientDisk.await(answer)).isEqualTo(PAGE));
                assertThat(backend.disk().asSlice(0, 64L * PAGE).mismatch(area.memory()))
                        .isEqualTo(-1);
                area.memory().fill((byte) 0);
                assertThat(disk.run(Io.read(0, area.all()))).isEqualTo(64L * PAGE);
                assertThat(backend.disk().asSlice(0, 64L * PAGE).mismatch(area.memory()))
                        .isEqualTo(-1);
            }
        }
    }

    @Test
    void aCommandIsRefusedForWhatNoDeviceLikeThisCanHave() {
        try (TestDevice device = attached(batch(), Handler.agreeing())) {
            QueueLoop queue = device.queue();
            long element = queue.element(0, 0);
            assertThat(queue.callMany(PREPARE, 1, WITH_ADDRESS, 1, element))
                    .as("a queue that is not there")
                    .isEqualTo(EINVAL);
            assertThat(prepare(queue, WITH_ADDRESS, 5, element))
                    .as("more elements than tags")
                    .isEqualTo(E2BIG);
            assertThat(prepare(queue, 1 << 5, 1, element)).as("an unknown flag").isEqualTo(EINVAL);
            assertThat(prepare(queue, BatchIoLayout.UBLK_BATCH_F_AUTO_BUF_REG_FALLBACK, 1, element))
                    .as("a fallback of what is not done")
                    .isEqualTo(EINVAL);
            assertThat(
                            prepare(
                                    queue,
                                    WITH_ADDRESS | BatchIoLayout.UBLK_BATCH_F_HAS_ZONE_LBA,
                                    1,
                                    element))
                    .as("zones")
                    .isEqualTo(EINVAL);
            assertThat(prepare(queue, 0, 1, element)).as("no buffer").isEqualTo(EINVAL);
            assertThat(prepare(queue, WITH_ADDRESS, 1, 8)).as("nowhere").isEqualTo(EFAULT);
            assertThat(prepare(queue, WITH_ADDRESS, 0, element)).as("nothing").isZero();
            assertThat(commit(queue, 0, element)).as("nothing").isZero();
        }
    }

    @Test
    void aCommandForOneTagIsNotSupported() {
        try (TestDevice device = attached(batch(), Handler.agreeing())) {
            QueueLoop queue = device.queue();
            int fetch = IoCommand.UBLK_U_IO_FETCH_REQ;
            assertThat(queue.call(fetch, 0, 0, 0, queue.address(0))).isEqualTo(EOPNOTSUPP);
            assertThat(queue.call(fetch, 1, 0, 0, queue.address(0))).isEqualTo(EINVAL);
            assertThat(queue.call(fetch, 0, 4, 0, queue.address(0))).isEqualTo(EINVAL);
        }
    }

    @Test
    void tagsArePreparedTogetherOrNotAtAll() {
        try (TestDevice device = attached(batch(), Handler.agreeing())) {
            QueueLoop queue = device.queue();
            long first = queue.element(0, 0);
            long second = queue.element(1, 0);
            long third = queue.element(2, 1, 0);
            assertThat(prepare(queue, WITH_ADDRESS, 3, first)).as("one twice").isEqualTo(EINVAL);
            assertThat(third).isEqualTo(second + ELEMENT);
            long beyond = queue.element(2, 4, 0);
            assertThat(prepare(queue, WITH_ADDRESS, 1, beyond)).as("no tag").isEqualTo(EINVAL);
            long right = queue.element(2, 0);
            assertThat(right).isEqualTo(beyond);
            assertThat(prepare(queue, WITH_ADDRESS, 3, first)).as("none was prepared").isZero();
            assertThat(prepare(queue, WITH_ADDRESS, 1, second)).as("twice").isEqualTo(EINVAL);
            long last = queue.element(3, 0);
            assertThat(prepare(queue, WITH_ADDRESS, 1, last)).as("the last").isZero();
            assertThat(prepare(queue, WITH_ADDRESS, 1, last)).as("all are there").isEqualTo(EBUSY);
        }
    }

    @Test
    void aCommitStopsAtTheFirstTagThatIsNotOutAndSaysHowFarItCame() {
        try (TestDevice device = live(batch(), Handler.holding());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, 3L * PAGE));
                ClientDisk disk = device.open()) {
            QueueLoop queue = device.queue();
            List<CompletableFuture<Long>> answers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                long place = (long) i * PAGE;
                answers.add(disk.submit(Io.write(place * 16, area.piece(place, PAGE))));
            }
            List<Seen> seen = queue.awaitSeen(3);
            int idle = 0 + 1 + 2 + 3 - seen.stream().mapToInt(Seen::tag).sum();
            long elements = queue.element(0, seen.get(0).tag(), PAGE);
            assertThat(queue.element(1, seen.get(1).tag(), PAGE)).isPositive();
            assertThat(queue.element(2, idle, PAGE)).isPositive();
            assertThat(queue.element(3, seen.get(2).tag(), PAGE)).isPositive();
            assertThat(commit(queue, 4, elements)).as("bytes taken").isEqualTo(2 * ELEMENT);
            assertThat(answers.stream().filter(CompletableFuture::isDone)).hasSizeLessThan(3);
            assertThat(commit(queue, 2, elements + 2L * ELEMENT)).as("not out").isEqualTo(EBUSY);
            assertThat(commit(queue, 1, elements + 3L * ELEMENT)).as("the rest").isEqualTo(ELEMENT);
            answers.forEach(answer -> assertThat(ClientDisk.await(answer)).isEqualTo(PAGE));
        }
    }

    @Test
    void aRequestIsCommittedOverAnyRing() {
        try (TestDevice device = live(batch(), Handler.holding());
                QueueLoop other = another(device);
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = device.open()) {
            QueueLoop queue = device.queue();
            CompletableFuture<Long> answer = disk.submit(Io.write(0, area.all()));
            int tag = queue.awaitSeen(1).getFirst().tag();
            assertThat(commit(other, 1, other.element(tag, PAGE))).isEqualTo(ELEMENT);
            assertThat(ClientDisk.await(answer)).isEqualTo(PAGE);
            assertThat(commit(queue, 1, queue.element(tag, PAGE))).as("twice").isEqualTo(EBUSY);
            device.control().stop(device.id());
        }
    }

    @Test
    void aRequestGoesToWhicheverRingFetches() {
        try (TestDevice device = attached(batch(), Handler.agreeing());
                QueueLoop other = another(device);
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE))) {
            QueueLoop queue = device.queue();
            long elements = queue.element(0, 0);
            for (int tag = 1; tag < device.info().queueDepth(); tag++) {
                assertThat(queue.element(tag, 0)).isPositive();
            }
            int depth = device.info().queueDepth();
            assertThat(prepare(queue, WITH_ADDRESS, depth, elements)).isZero();
            device.start();
            try (ClientDisk disk = device.open()) {
                CompletableFuture<Long> answer = disk.submit(Io.read(0, area.all()));
                assertThat(queue.seen()).isEmpty();
                other.startFetching();
                assertThat(ClientDisk.await(answer)).isEqualTo(PAGE);
                assertThat(other.seen()).hasSize(1);
                device.control().stop(device.id());
            }
        }
    }

    private static QueueLoop another(TestDevice device) {
        return new QueueLoop(
                device.charDevice(), device.info(), 0, Handler.agreeing(), index -> null);
    }

    @Test
    void aFetchEndsWhenTheDeviceStops() {
        try (TestDevice device = live(batch(), Handler.agreeing())) {
            QueueLoop queue = device.queue();
            CompletableFuture<Integer> another = queue.sendFetchMany(0);
            assertThat(queue.sendFetchMany(1).join()).as("no such queue").isEqualTo(EINVAL);
            assertThat(another).isNotDone();
            device.control().stop(device.id());
            queue.awaitAborted();
            assertThat(another.join()).isEqualTo(IoResult.UBLK_IO_RES_ABORT);
            assertThat(queue.sendFetchMany(0).join())
                    .as("after the stop")
                    .isEqualTo(IoResult.UBLK_IO_RES_ABORT);
        }
    }
}
