package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.BlockingTarget;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SharedBuffer;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Data arrives as it was sent where the server copies it itself ({@code UBLK_F_USER_COPY}). */
public abstract class UserCopyRules extends LaneRules {
    private static final long SIZE = 4L << 20;
    private static final int BYTES = 64 * 1024;
    private static final DeviceOptions OPTIONS =
            DeviceOptions.defaults()
                    .withDepth(8)
                    .with(Feature.USER_COPY)
                    .with(Feature.NO_AUTO_PART_SCAN);

    protected UserCopyRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    /** A disk in an array, which no system call can read or write. */
    private static class ArrayTarget implements SimpleTarget {
        final MemorySegment disk = MemorySegment.ofArray(new byte[(int) SIZE]);

        @Override
        public Geometry geometry() {
            return Geometry.ofSize(SIZE);
        }

        @Override
        public int read(Request request) {
            return request.copyFrom(disk, request.offset());
        }

        @Override
        public int write(Request request) {
            return request.copyTo(disk, request.offset());
        }
    }

    /** Turns bytes round on their way, in both directions. */
    private static final class CipherTarget extends ArrayTarget {
        private final MemorySegment direct = Arena.ofAuto().allocate(SIZE);

        @Override
        public int read(Request request) {
            int bytes = request.copyFrom(direct, request.offset());
            turn(request.data());
            return bytes;
        }

        @Override
        public int write(Request request) {
            int bytes = request.copyTo(direct, request.offset());
            MemorySegment place = direct.asSlice(request.offset(), request.length());
            assertThat(place.mismatch(request.data())).isEqualTo(-1);
            turn(place);
            return bytes;
        }

        private static void turn(MemorySegment memory) {
            for (long at = 0; at < memory.byteSize(); at++) {
                byte before = memory.get(ValueLayout.JAVA_BYTE, at);
                memory.set(ValueLayout.JAVA_BYTE, at, (byte) ~before);
            }
        }
    }

    /** Answers from a thread of its own. */
    private static final class LateTarget extends ArrayTarget {
        @Override
        public int read(Request request) {
            return later(request);
        }

        @Override
        public int write(Request request) {
            return later(request);
        }

        private int later(Request request) {
            long id = request.id();
            Thread.ofVirtual()
                    .start(() -> {
                        int bytes =
                                request.operation() == Operation.READ
                                        ? super.read(request)
                                        : super.write(request);
                        request.queue().complete(id, bytes);
                    });
            return Request.PENDING;
        }
    }

    private static final class OnThreads extends ArrayTarget implements BlockingTarget {}

    private static final class RefusingTarget extends ArrayTarget {
        @Override
        public int read(Request request) {
            request.data().fill((byte) 1);
            throw new LinuxException("test", "on purpose", Errno.ENOSPC.negated());
        }

        @Override
        public int write(Request request) {
            assertThat(request.data().byteSize()).isEqualTo(request.length());
            return Errno.ENOSPC.negated();
        }
    }

    private void assertKeeps(Target target) {
        try (Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, 2 * BYTES));
                Device device = Device.start(lane().driver(), target, OPTIONS)) {
            assertThat(Feature.USER_COPY.in(device.info().flags())).isTrue();
            try (ClientDisk disk = lane().openDisk(device.id())) {
                for (int bytes = 512; bytes <= BYTES; bytes *= 2) {
                    assertKeeps(disk, area, bytes);
                }
            }
            assertThat(device.counters().sharedRequests()).isZero();
        }
    }

    private static void assertKeeps(ClientDisk disk, ClientArea area, int bytes) {
        MemorySegment sent = pattern(area.memory().asSlice(0, bytes), bytes);
        MemorySegment got = area.memory().asSlice(BYTES, bytes).fill((byte) 0);
        assertThat(disk.run(Io.write(bytes, area.piece(0, bytes)))).isEqualTo(bytes);
        assertThat(disk.run(Io.read(bytes, area.piece(BYTES, bytes)))).isEqualTo(bytes);
        assertThat(got.mismatch(sent)).as("%d bytes", bytes).isEqualTo(-1);
    }

    @Test
    void memoryThatTheServerReadsAndWritesDirectly() {
        assertKeeps(new MemoryTarget(SIZE));
    }

    @Test
    void arraysThatTakeADetour() {
        assertKeeps(new ArrayTarget());
    }

    @Test
    void dataThatIsLookedAtOrChangedAfterItWasCopied() {
        assertKeeps(new CipherTarget());
    }

    @Test
    void requestsThatAreAnsweredFromElsewhere() {
        assertKeeps(new LateTarget());
        assertKeeps(new OnThreads());
    }

    @Test
    void filesThatTheKernelReadsAndWrites() throws IOException {
        Path path = Files.createTempFile("user-copy", ".img");
        try {
            Files.write(path, new byte[(int) SIZE]);
            assertKeeps(
                    new FileTarget(BackingFile.open(path, BackingFile.Caching.BUFFERED, false)));
        } finally {
            Files.delete(path);
        }
    }

    @Test
    void anErrorIsAnErrorWhateverTheDataIs() {
        try (Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                Device device = Device.start(lane().driver(), new RefusingTarget(), OPTIONS);
                ClientDisk disk = lane().openDisk(device.id())) {
            assertThat(disk.run(Io.read(0, area.piece(0, PAGE)))).isEqualTo(Errno.ENOSPC.negated());
            assertThat(disk.run(Io.write(0, area.piece(0, PAGE))))
                    .isEqualTo(Errno.ENOSPC.negated());
        }
    }

    @Test
    void sharedMemoryIsNotCopiedByTheServerEither() {
        DeviceOptions options = OPTIONS.with(Feature.SHMEM_ZC);
        try (Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, 2 * BYTES));
                Device device = Device.start(lane().driver(), new MemoryTarget(SIZE), options);
                ClientDisk disk = lane().openDisk(device.id())) {
            assumeTrue(Feature.SHMEM_ZC.in(device.info().flags()), "no shared memory here");
            assertKeeps(disk, area, BYTES);
            assertThat(device.counters().copiedRequests()).isEqualTo(2);
            try (SharedBuffer shared = device.share(area.memory(), false)) {
                assertThat(shared.index()).isZero();
                assertKeeps(disk, area, BYTES);
            }
            assertThat(device.counters().sharedRequests()).isEqualTo(2);
            assertThat(device.counters().copiedRequests()).isEqualTo(2);
        }
    }
}
