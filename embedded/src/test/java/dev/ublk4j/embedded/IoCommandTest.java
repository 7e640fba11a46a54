package dev.ublk4j.embedded;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uapi.wire.IoResult;
import dev.ublk4j.uapi.wire.ParamBasicLayout;
import dev.ublk4j.uapi.wire.ParamsLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class IoCommandTest {
    private static final int FETCH = IoCommand.UBLK_U_IO_FETCH_REQ;
    private static final int COMMIT = IoCommand.UBLK_U_IO_COMMIT_AND_FETCH_REQ;
    private static final int GET_DATA = IoCommand.UBLK_U_IO_NEED_GET_DATA;
    private static final int EINVAL = Errno.EINVAL.negated();
    private static final int EBUSY = Errno.EBUSY.negated();

    private EmbeddedDriver driver = EmbeddedDriver.create();
    private Commands commands = new Commands(driver);
    private final List<Long> results = new ArrayList<>();
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void deleteDevices() {
        for (int id : driver.deviceIds()) {
            assertThat(commands.delete(id)).isZero();
        }
        arena.close();
    }

    private OneThread server(int depth, long flags, int bufferBytes) {
        return server(depth, flags, bufferBytes, Commands.params(1 << 20));
    }

    private OneThread server(int depth, long flags, int bufferBytes, MemorySegment params) {
        int id = commands.add(1, depth, flags);
        assertThat(commands.setParams(id, params)).isZero();
        return new OneThread(driver, id, depth, bufferBytes);
    }

    private DiskRequest request() {
        return new DiskRequest((request, result) -> results.add(result));
    }

    private MemorySegment data(int bytes, int value) {
        MemorySegment data = arena.allocate(bytes, 4096);
        data.fill((byte) value);
        return data;
    }

    @Test
    void aTagIsFetchedOnceBeforeTheStart() {
        try (OneThread server = server(2, 0, 4096)) {
            assertThat(server.answer(FETCH, 0, 0, 0, 0)).isEqualTo(EINVAL);
            assertThat(server.answer(FETCH, 1, 0, 0, 1)).isEqualTo(EINVAL);
            assertThat(server.answer(FETCH, 0, 2, 0, 1)).isEqualTo(EINVAL);
            assertThat(server.answer(COMMIT, 0, 0, 0, 1)).isEqualTo(EINVAL);
            assertThat(server.answer(FETCH, 0, 0, 0, server.buffer(0))).isNull();
            assertThat(server.answer(FETCH, 0, 0, 0, server.buffer(0))).isEqualTo(EINVAL);
            assertThat(server.answer(COMMIT, 0, 0, 0, 1)).isEqualTo(EBUSY);
            assertThat(server.answer(GET_DATA, 0, 0, 0, 1)).isEqualTo(EBUSY);
            assertThat(server.answer(FETCH & 0xff, 0, 1, 0, server.buffer(1))).isNull();
            assertThat(server.answer(FETCH, 0, 1, 0, server.buffer(1))).isEqualTo(EBUSY);
        }
    }

    @Test
    void anotherKindOfCommandIsRefused() {
        try (OneThread server = server(1, 0, 4096)) {
            assertThat(server.answer(FETCH ^ ('u' ^ 'x') << 8, 0, 0, 0, 1))
                    .isEqualTo(Errno.EOPNOTSUPP.negated());
            assertThat(server.answer(IoCommand.UBLK_U_IO_UNREGISTER_IO_BUF, 9, 9, 0, 0))
                    .isEqualTo(EINVAL);
            assertThat(server.answer(IoCommand.UBLK_U_IO_REGISTER_IO_BUF, 0, 0, 0, 0))
                    .isEqualTo(EINVAL);
            server.fetchAll();
            assertThat(server.answer(IoCommand.UBLK_U_IO_REGISTER_IO_BUF, 0, 0, 0, 0))
                    .isEqualTo(EBUSY);
        }
    }

    @Test
    void aCommitNeedsARequestAndABuffer() {
        try (OneThread server = server(1, 0, 4096)) {
            server.fetchAll();
            assertThat(commands.start(server.id)).isZero();
            try (Disk disk = driver.openBlock(server.id)) {
                disk.submit(request().write(512).add(data(1024, 5)));
                server.run();
                assertThat(server.arrived).containsExactly(0);
                long base = IoDescLayout.offset(0);
                assertThat(IoDescLayout.op(server.descriptors, base))
                        .isEqualTo(IoOp.UBLK_IO_OP_WRITE);
                assertThat(IoDescLayout.flags(server.descriptors, base)).isZero();
                assertThat(IoDescLayout.nrSectors(server.descriptors, base)).isEqualTo(2);
                assertThat(IoDescLayout.startSector(server.descriptors, base)).isOne();
                assertThat(IoDescLayout.addr(server.descriptors, base)).isEqualTo(server.buffer(0));
                assertThat(server.io.get(JAVA_BYTE, 1023)).isEqualTo((byte) 5);
                assertThat(server.answer(FETCH, 0, 0, 0, server.buffer(0))).isEqualTo(EBUSY);
                assertThat(server.answer(COMMIT, 0, 0, 1024, 0)).isEqualTo(EINVAL);
                assertThat(server.answer(GET_DATA, 0, 0, 0, 1)).isEqualTo(EINVAL);
                assertThat(results).isEmpty();
                assertThat(server.answer(COMMIT, 0, 0, 1024, server.buffer(0))).isNull();
                assertThat(results).containsExactly(1024L);
                assertThat(server.answer(COMMIT, 0, 0, 1024, server.buffer(0))).isEqualTo(EBUSY);
            }
        }
    }

    @Test
    void aTagBelongsToTheThreadThatFetchedIt() throws InterruptedException {
        try (OneThread server = server(1, 0, 4096)) {
            server.fetchAll();
            List<Integer> answers = new ArrayList<>();
            Thread other =
                    Thread.ofPlatform()
                            .start(() -> {
                                try (var ring =
                                        server.device.openRing(
                                                dev.ublk4j.uring.RingOptions.defaults())) {
                                    ring.command(COMMIT, 0, 0, 0, 1, 1);
                                    ring.run(true, (u, result, f) -> answers.add(result));
                                }
                            });
            other.join();
            assertThat(answers).containsExactly(EINVAL);
        }
    }

    @Test
    void aReadThatIsPartlyDoneGoesOn() {
        try (OneThread server = server(1, 0, 8192)) {
            server.fetchAll();
            assertThat(commands.start(server.id)).isZero();
            try (Disk disk = driver.openBlock(server.id)) {
                MemorySegment into = data(8192, 0);
                disk.submit(request().read(4096).add(into));
                server.run();
                server.io.fill((byte) 1);
                server.commit(server.arrived.remove(), 1024);
                assertThat(results).isEmpty();
                assertThat(server.arrived).containsExactly(0);
                assertThat(IoDescLayout.startSector(server.descriptors, 0)).isEqualTo(10);
                assertThat(IoDescLayout.nrSectors(server.descriptors, 0)).isEqualTo(14);
                server.io.fill((byte) 2);
                server.answerNext();
                assertThat(results).containsExactly(8192L);
                assertThat(into.get(JAVA_BYTE, 1023)).isEqualTo((byte) 1);
                assertThat(into.get(JAVA_BYTE, 1024)).isEqualTo((byte) 2);
                assertThat(into.get(JAVA_BYTE, 8191)).isEqualTo((byte) 2);
            }
        }
    }

    @Test
    void aWriteThatIsPartlyDoneIsDone() {
        try (OneThread server = server(1, 0, 8192)) {
            server.fetchAll();
            assertThat(commands.start(server.id)).isZero();
            try (Disk disk = driver.openBlock(server.id)) {
                disk.submit(request().write(0).add(data(8192, 0)));
                server.run();
                server.commit(server.arrived.remove(), 0);
                assertThat(results).containsExactly(8192L);
            }
        }
    }

    @Test
    void aWriteThatIsPartlyDoneGoesOnBeforeLinux73() {
        driver =
                EmbeddedDriver.create(EmbeddedOptions.defaults().asKernel(KernelRelease.LINUX_7_2));
        commands = new Commands(driver);
        try (OneThread server = server(1, 0, 8192)) {
            server.fetchAll();
            assertThat(commands.start(server.id)).isZero();
            try (Disk disk = driver.openBlock(server.id)) {
                disk.submit(request().write(0).add(data(8192, 0)));
                server.run();
                server.commit(server.arrived.remove(), 0);
                assertThat(IoDescLayout.nrSectors(server.descriptors, 0)).isEqualTo(16);
                server.commit(server.arrived.remove(), 1024);
                assertThat(results).isEmpty();
                assertThat(IoDescLayout.startSector(server.descriptors, 0)).isEqualTo(2);
                assertThat(IoDescLayout.nrSectors(server.descriptors, 0)).isEqualTo(14);
                server.answerNext();
                assertThat(results).containsExactly(8192L);
            }
        }
    }

    @Test
    void errorsReachTheClientAsTheBlockLayerTellsThem() {
        int[][] table = {{-5, -5}, {-28, -28}, {-95, -95}, {-1, -5}, {-9999, -5}, {0, -5}};
        try (OneThread server = server(1, 0, 4096)) {
            server.fetchAll();
            assertThat(commands.start(server.id)).isZero();
            try (Disk disk = driver.openBlock(server.id)) {
                for (int[] row : table) {
                    disk.submit(request().read(0).add(data(4096, 0)));
                    server.run();
                    server.commit(server.arrived.remove(), row[0]);
                    assertThat(results.removeFirst()).isEqualTo(row[1]);
                }
            }
        }
    }

    @Test
    void aWriteMayAskForItsBufferFirst() {
        try (OneThread server = server(1, Feature.UBLK_F_NEED_GET_DATA, 0)) {
            server.fetchAll();
            assertThat(commands.start(server.id)).isZero();
            MemorySegment buffer = data(4096, 0);
            try (Disk disk = driver.openBlock(server.id)) {
                disk.submit(request().write(0).add(data(4096, 9)));
                server.run();
                assertThat(server.refused)
                        .containsExactly("0:" + IoResult.UBLK_IO_RES_NEED_GET_DATA);
                server.refused.clear();
                assertThat(server.answer(COMMIT, 0, 0, 4096, 1)).isEqualTo(EINVAL);
                server.ring.command(GET_DATA, 0, 0, 0, buffer.address(), 0);
                server.run();
                assertThat(server.arrived).containsExactly(0);
                assertThat(IoDescLayout.addr(server.descriptors, 0)).isEqualTo(buffer.address());
                assertThat(buffer.get(JAVA_BYTE, 4095)).isEqualTo((byte) 9);
                server.commit(server.arrived.remove(), 4096);
                assertThat(results).containsExactly(4096L);
                disk.submit(request().read(0).add(data(4096, 0)));
                server.run();
                server.arrived.clear();
                assertThat(server.answer(COMMIT, 0, 0, 4096, 0)).isEqualTo(EINVAL);
                assertThat(server.answer(COMMIT, 0, 0, 4096, buffer.address())).isNull();
                assertThat(results).containsExactly(4096L, 4096L);
            }
        }
    }

    @Test
    void aServerMayCopyItself() {
        try (OneThread server = server(2, Feature.UBLK_F_USER_COPY, 0)) {
            assertThat(server.answer(FETCH, 0, 0, 0, 4096)).isEqualTo(EINVAL);
            server.fetchAll();
            assertThat(commands.start(server.id)).isZero();
            MemorySegment buffer = data(8192, 0);
            try (Disk disk = driver.openBlock(server.id)) {
                MemorySegment out = data(4096, 3);
                MemorySegment into = data(4096, 0);
                disk.submit(request().write(0).add(out.asSlice(0, 512)).add(out.asSlice(512)));
                disk.submit(request().read(0).add(into));
                server.run();
                assertThat(server.arrived).containsExactly(0, 1);
                long write = BufferOffset.of(0, 0, 0);
                long read = BufferOffset.of(0, 1, 0);
                assertThat(server.device.pread(buffer, write)).isEqualTo(4096);
                assertThat(buffer.get(JAVA_BYTE, 4095)).isEqualTo((byte) 3);
                assertThat(server.device.pread(buffer, write + 4000)).isEqualTo(96);
                assertThat(server.device.pread(buffer, write + 4096)).isZero();
                assertThat(server.device.pread(buffer, write + 4097)).isEqualTo(EINVAL);
                assertThat(server.device.pwrite(buffer, write)).isEqualTo(Errno.EACCES.negated());
                assertThat(server.device.pread(buffer, read)).isEqualTo(Errno.EACCES.negated());
                assertThat(server.device.pwrite(buffer.asSlice(0, 100), read + 8)).isEqualTo(100);
                assertThat(into.get(JAVA_BYTE, 107)).isEqualTo((byte) 3);
                assertThat(into.get(JAVA_BYTE, 108)).isZero();
                assertThat(server.device.pread(buffer, BufferOffset.of(0, 2, 0))).isEqualTo(EINVAL);
                assertThat(server.device.pread(buffer, BufferOffset.of(1, 0, 0))).isEqualTo(EINVAL);
                assertThat(server.answer(COMMIT, 0, 0, 4096, 4096)).isEqualTo(EINVAL);
                server.answerNext();
                server.answerNext();
                assertThat(results).containsExactly(4096L, 4096L);
                assertThat(server.device.pread(buffer, write)).isEqualTo(EINVAL);
            }
        }
    }

    @Test
    void copyingIsForServersThatAskForIt() {
        try (OneThread server = server(1, 0, 4096)) {
            long position = BufferOffset.of(0, 0, 0);
            assertThat(server.device.pread(data(8, 0), position)).isEqualTo(Errno.EACCES.negated());
            server.fetchAll();
            assertThat(commands.start(server.id)).isZero();
            assertThat(server.device.pread(data(8, 0), position)).isEqualTo(Errno.EACCES.negated());
        }
    }

    @Test
    void descriptorsAreMappedWholeAndReadOnly() {
        try (OneThread server = server(200, 0, 0)) {
            long bytes = BufferOffset.descriptorBytes(200, 24, 4096);
            assertThat(server.descriptors.isReadOnly()).isTrue();
            try (Arena mapping = Arena.ofConfined()) {
                assertThat(server.device.map(0, bytes, mapping).byteSize()).isEqualTo(bytes);
                assertErrno(() -> server.device.map(0, 4096, mapping), Errno.EINVAL);
                assertErrno(() -> server.device.map(8, bytes, mapping), Errno.EINVAL);
                assertErrno(() -> server.device.map(-4096, bytes, mapping), Errno.EINVAL);
                long next = BufferOffset.descriptors(1, 24, 4096);
                assertErrno(() -> server.device.map(next, bytes, mapping), Errno.EINVAL);
            }
        }
    }

    private static void assertErrno(Runnable call, Errno errno) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(errno));
    }

    @Test
    void aFlushHasNoSectorAndOnlyADeviceWithACacheGetsIt() {
        MemorySegment params = Commands.params(1 << 20);
        ParamBasicLayout.attrs(params, ParamsLayout.BASIC, 4);
        try (OneThread server = server(1, 0, 4096, params)) {
            server.fetchAll();
            assertThat(commands.start(server.id)).isZero();
            try (Disk disk = driver.openBlock(server.id)) {
                disk.submit(request().flush());
                server.run();
                assertThat(IoDescLayout.op(server.descriptors, 0)).isEqualTo(IoOp.UBLK_IO_OP_FLUSH);
                assertThat(IoDescLayout.nrSectors(server.descriptors, 0)).isZero();
                assertThat(IoDescLayout.startSector(server.descriptors, 0)).isEqualTo(-1);
                server.answerNext();
                assertThat(results).containsExactly(0L);
                disk.submit(request().writeThrough(0).add(data(4096, 1)));
                server.run();
                assertThat(IoDescLayout.op(server.descriptors, 0)).isEqualTo(IoOp.UBLK_IO_OP_WRITE);
                assertThat(IoDescLayout.flags(server.descriptors, 0)).isZero();
                server.answerNext();
                assertThat(IoDescLayout.op(server.descriptors, 0)).isEqualTo(IoOp.UBLK_IO_OP_FLUSH);
                assertThat(results).hasSize(1);
                server.answerNext();
                assertThat(results).containsExactly(0L, 4096L);
            }
        }
        try (OneThread server = server(1, 0, 4096)) {
            server.fetchAll();
            assertThat(commands.start(server.id)).isZero();
            try (Disk disk = driver.openBlock(server.id)) {
                disk.submit(request().flush());
                assertThat(results).containsExactly(0L, 4096L, 0L);
                assertThat(server.run()).isZero();
            }
        }
    }

    @Test
    void aDeviceThatKnowsFuaGetsTheFlag() {
        MemorySegment params = Commands.params(1 << 20);
        ParamBasicLayout.attrs(params, ParamsLayout.BASIC, 4 | 8);
        try (OneThread server = server(1, 0, 4096, params)) {
            server.fetchAll();
            assertThat(commands.start(server.id)).isZero();
            try (Disk disk = driver.openBlock(server.id)) {
                disk.submit(request().writeThrough(0).add(data(4096, 1)));
                server.run();
                assertThat(IoDescLayout.flags(server.descriptors, 0))
                        .isEqualTo(IoFlag.UBLK_IO_F_FUA);
                server.answerNext();
                assertThat(results).containsExactly(4096L);
                assertThat(server.arrived).isEmpty();
            }
        }
    }

    @Test
    void submissionsWaitForTagsInOrderAndNoneIsLost() {
        try (OneThread server = server(2, 0, 4096)) {
            server.fetchAll();
            assertThat(commands.start(server.id)).isZero();
            List<Long> order = new ArrayList<>();
            try (Disk disk = driver.openBlock(server.id)) {
                for (int i = 0; i < 50; i++) {
                    int number = i;
                    DiskRequest request =
                            new DiskRequest((r, result) -> order.add(number + 100 * result));
                    disk.submit(request.write(i * 4096L).add(data(4096, i)));
                }
                server.run();
                for (int i = 0; i < 50; i++) {
                    assertThat(server.arrived).hasSize(Math.min(2, 50 - i));
                    server.answerNext();
                    assertThat(order.get(i)).isEqualTo(i + 409_600L);
                }
                assertThat(server.arrived).isEmpty();
            }
        }
    }

    @Test
    void oneSubmissionIsCutToTheLimitsOfTheDevice() {
        MemorySegment params = Commands.params(1 << 20);
        ParamBasicLayout.maxSectors(params, ParamsLayout.BASIC, 16);
        try (OneThread server = server(2, 0, 8192, params)) {
            server.fetchAll();
            assertThat(commands.start(server.id)).isZero();
            try (Disk disk = driver.openBlock(server.id)) {
                disk.submit(request().write(0).add(data(5 * 8192 + 512, 1)));
                server.run();
                long bytes = 0;
                while (!server.arrived.isEmpty()) {
                    long base = IoDescLayout.offset(server.arrived.peek());
                    bytes += (long) IoDescLayout.nrSectors(server.descriptors, base) << 9;
                    server.answerNext();
                }
                assertThat(bytes).isEqualTo(5 * 8192 + 512);
                assertThat(results).containsExactly(5 * 8192 + 512L);
            }
        }
    }

    @Test
    void whatTheBlockLayerRefusesNeverReachesTheServer() {
        MemorySegment params = Commands.params(1 << 20);
        ParamBasicLayout.logicalBsShift(params, ParamsLayout.BASIC, 12);
        try (OneThread server = server(1, 0, 4096, params)) {
            server.fetchAll();
            assertThat(commands.start(server.id)).isZero();
            try (Disk disk = driver.openBlock(server.id)) {
                disk.submit(request().read(512).add(data(4096, 0)));
                disk.submit(request().read(4095).add(data(4096, 0)));
                disk.submit(request().read(0).add(data(512, 0)));
                disk.submit(request().read(1 << 20).add(data(4096, 0)));
                disk.submit(request().write(1 << 20).add(data(4096, 0)));
                disk.submit(request().discard(0, 4096));
                disk.submit(request().writeZeroes(0, 4096, false));
                disk.submit(request().read(0));
                assertThat(results).containsExactly(-22L, -22L, -22L, -5L, -28L, -95L, -95L, 0L);
                assertThat(disk.read(data(4096, 0), 1 << 20)).isZero();
                assertThat(disk.write(data(4096, 0), 1 << 20)).isEqualTo(-28);
                assertThat(server.run()).isZero();
            }
        }
    }

    @Test
    void aReadOnlyDiskRefusesWrites() {
        MemorySegment params = Commands.params(1 << 20);
        ParamBasicLayout.attrs(params, ParamsLayout.BASIC, 1);
        try (OneThread server = server(1, 0, 4096, params)) {
            server.fetchAll();
            assertThat(commands.start(server.id)).isZero();
            try (Disk disk = driver.openBlock(server.id)) {
                disk.submit(request().write(0).add(data(4096, 0)));
                assertThat(results).containsExactly(-1L);
                assertThat(disk.write(data(4096, 0), 0)).isEqualTo(-1);
            }
        }
    }
}
