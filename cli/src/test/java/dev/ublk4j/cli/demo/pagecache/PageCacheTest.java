package dev.ublk4j.cli.demo.pagecache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.client.Attachment;
import dev.ublk4j.client.BlockDevice;
import dev.ublk4j.client.PoolInUseException;
import dev.ublk4j.client.PoolOptions;
import dev.ublk4j.client.SharedBufferPool;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.ForwardingTargetQueue;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.testkit.client.ServedBlockDevice;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PageCacheTest {
    private static final int PAGE = 8192;
    private static final int FRAMES = 16;
    private static final int PAGES = 64;

    private final EmbeddedDriver driver = EmbeddedDriver.create();

    @AfterEach
    void closeDriver() {
        driver.close();
    }

    private Device serve(Target target) {
        return Device.start(driver, target, DeviceOptions.defaults().with(Feature.SHMEM_ZC));
    }

    private static SharedBufferPool pool() {
        return SharedBufferPool.create(PoolOptions.of(PAGE, FRAMES).withoutHugePages());
    }

    private Attachment attach(SharedBufferPool pool, Device device) {
        return pool.attach(new ServedBlockDevice(driver, device));
    }

    @Test
    void everyPageIsTheOneThatWasWrittenSharedAndCopied() {
        try (Device device = serve(new MemoryTarget((long) PAGES * PAGE))) {
            List<PageCacheDemo.Row> rows =
                    new PageCacheDemo(new ServedBlockDevice(driver, device), PAGE, FRAMES, 500)
                            .run()
                            .rows();
            assertThat(rows).extracting(PageCacheDemo.Row::shared).containsExactly(false, true);
            assertThat(rows)
                    .allSatisfy(row -> {
                        assertThat(row.pagesRead()).isPositive();
                        assertThat(row.pagesWritten()).isPositive();
                        assertThat(row.hits()).isPositive();
                    });
        }
    }

    @Test
    void aFileOfAnyFileSystemDoesForADeviceThatSharesNothing(@TempDir Path folder)
            throws IOException {
        Path path = folder.resolve("pages");
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength((long) PAGES * PAGE);
        }
        PageCacheDemo.Outcome outcome =
                new PageCacheDemo(BlockDevice.at(path), PAGE, FRAMES, 100).run();
        assertThat(outcome.rows()).extracting(PageCacheDemo.Row::shared).containsExactly(false);
        assertThat(outcome.refusal()).isNotNull().hasMessageContaining("not on a ublk device");
    }

    @Test
    void nothingIsCopiedWhileFramesAreShared() {
        try (Device device = serve(new MemoryTarget((long) PAGES * PAGE));
                SharedBufferPool pool = pool();
                Attachment attachment = attach(pool, device)) {
            try (PageCache cache = new PageCache(pool, attachment, PAGES)) {
                Transactions work = new Transactions(cache, PAGES);
                work.format();
                work.run(200, 3);
                work.verify();
            }
            assertThat(device.counters().copiedRequests()).isZero();
            assertThat(device.counters().sharedRequests()).isGreaterThan(200);
        }
    }

    @Test
    void aPageThatWasDamagedOnTheDeviceIsNoticed() {
        try (Device device = serve(new MemoryTarget((long) PAGES * PAGE));
                SharedBufferPool pool = pool();
                Attachment attachment = attach(pool, device);
                PageCache cache = new PageCache(pool, attachment, PAGES)) {
            new Transactions(cache, PAGES).format();
            damage(device, 5, 100);
            damage(device, 6, 8);
            assertThatThrownBy(() -> cache.pin(4, 5))
                    .isInstanceOf(CorruptPageException.class)
                    .hasMessageContaining("page 5")
                    .hasMessageContaining("checksum");
            assertThatThrownBy(() -> cache.pin(6)).isInstanceOf(CorruptPageException.class);
            assertThat(cache.pin(4, 7)).allSatisfy(frame -> assertThat(frame.isPinned()).isTrue());
        }
    }

    private void damage(Device device, int page, long offset) {
        try (Arena arena = Arena.ofConfined();
                Disk disk = driver.openBlock(device.id())) {
            MemorySegment memory = arena.allocate(PAGE, PAGE);
            disk.read(memory, (long) page * PAGE);
            memory.asSlice(offset, 1).fill((byte) 0x55);
            disk.write(memory, (long) page * PAGE);
        }
    }

    @Test
    void pagesThatArePinnedStayAndWhenAllAreThereIsNoRoom() {
        try (Device device = serve(new MemoryTarget((long) PAGES * PAGE));
                SharedBufferPool pool = pool();
                Attachment attachment = attach(pool, device);
                PageCache cache = new PageCache(pool, attachment, PAGES)) {
            new Transactions(cache, PAGES).format();
            List<Frame> pinned = List.of();
            for (int page = 0; page < FRAMES; page++) {
                pinned = cache.pin(page);
            }
            assertThatThrownBy(() -> cache.pin(FRAMES))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("pinned");
            cache.unpin(pinned.getFirst());
            assertThat(cache.pin(FRAMES).getFirst()).isSameAs(pinned.getFirst());
            assertThatThrownBy(pool::close).isInstanceOf(PoolInUseException.class);
        }
    }

    @Test
    void aPageWhoseWriteFailsStaysDirtyAndIsWrittenLater() {
        FailingDisk target = new FailingDisk();
        try (Device device = serve(target);
                SharedBufferPool pool = pool();
                Attachment attachment = attach(pool, device);
                PageCache cache = new PageCache(pool, attachment, PAGES)) {
            Transactions work = new Transactions(cache, PAGES);
            work.format();
            target.failWrites = true;
            assertThatThrownBy(() -> work.run(100, 4))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC));
            target.failWrites = false;
            cache.flush();
            cache.clear();
            for (int page = 0; page < PAGES; page++) {
                cache.unpin(cache.pin(page).getFirst());
            }
        }
    }

    /** A disk in memory that can be full. */
    private static final class FailingDisk extends ForwardingTarget {
        volatile boolean failWrites;

        FailingDisk() {
            super(new MemoryTarget((long) PAGES * PAGE));
        }

        @Override
        public TargetQueue open(Queue queue) {
            return new ForwardingTargetQueue(super.open(queue)) {
                @Override
                public void submit(Request request) {
                    if (failWrites && request.operation() == Operation.WRITE) {
                        request.complete(Errno.ENOSPC.negated());
                    } else {
                        super.submit(request);
                    }
                }
            };
        }
    }
}
