package dev.ublk4j.uapi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.uapi.wire.AutoBufReg;
import dev.ublk4j.uapi.wire.BatchIo;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.CtrlCmd;
import dev.ublk4j.uapi.wire.DevInfo;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.ElemHeader;
import dev.ublk4j.uapi.wire.IoCmd;
import dev.ublk4j.uapi.wire.IoDesc;
import dev.ublk4j.uapi.wire.ParamType;
import dev.ublk4j.uapi.wire.Params;
import dev.ublk4j.uapi.wire.ShmemAddress;
import dev.ublk4j.uapi.wire.ShmemBufReg;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Writing whole structures and records, and reading them again. */
class EncodingTest {
    private static final long BASE = 48;

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment memory = arena.allocate(256, Long.BYTES).fill((byte) 0xa5);

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void aControlCommandIsReadAsWritten() {
        CtrlCmd.write(memory, BASE, 7, CtrlCmd.NO_QUEUE, DevInfo.SIZE, 0x7fff_0000L, -2);

        assertThat(CtrlCmd.devId(memory, BASE)).isEqualTo(7);
        assertThat(CtrlCmd.queueId(memory, BASE)).isEqualTo(CtrlCmd.NO_QUEUE);
        assertThat(CtrlCmd.len(memory, BASE)).isEqualTo(DevInfo.SIZE);
        assertThat(CtrlCmd.addr(memory, BASE)).isEqualTo(0x7fff_0000L);
        assertThat(CtrlCmd.data(memory, BASE)).isEqualTo(-2);
        assertThat(CtrlCmd.devPathLen(memory, BASE)).isZero();
        assertThat(CtrlCmd.reserved(memory, BASE)).isZero();
    }

    @Test
    void aDescriptorIsReadAsWritten() {
        int word = IoOp.UBLK_IO_OP_WRITE | IoFlag.UBLK_IO_F_FUA | IoFlag.UBLK_IO_F_SHMEM_ZC;
        IoDesc.write(memory, BASE, word, 8, 1L << 40, ShmemAddress.of(3, 4096));

        assertThat(IoDesc.op(memory, BASE)).isEqualTo(IoOp.UBLK_IO_OP_WRITE);
        assertThat(IoDesc.flags(memory, BASE))
                .isEqualTo(IoFlag.UBLK_IO_F_FUA | IoFlag.UBLK_IO_F_SHMEM_ZC);
        assertThat(IoDesc.nrSectors(memory, BASE)).isEqualTo(8);
        assertThat(IoDesc.nrZones(memory, BASE)).isEqualTo(8);
        assertThat(IoDesc.startSector(memory, BASE)).isEqualTo(1L << 40);
        assertThat(ShmemAddress.index(IoDesc.addr(memory, BASE))).isEqualTo(3);
        assertThat(ShmemAddress.offset(IoDesc.addr(memory, BASE))).isEqualTo(4096);
    }

    @Test
    void descriptorsAreAsFarApartAsTheDeviceSays() {
        assertThat(IoDesc.offset(3)).isEqualTo(72);
        assertThat(IoDesc.offset(4095, 256)).isEqualTo(4095L * 256);
    }

    @Test
    void anIoCommandIsReadAsWritten() {
        IoCmd.write(memory, BASE, 3, 127, -5, 0x1000);

        assertThat(IoCmd.qId(memory, BASE)).isEqualTo(3);
        assertThat(IoCmd.tag(memory, BASE)).isEqualTo(127);
        assertThat(IoCmd.result(memory, BASE)).isEqualTo(-5);
        assertThat(IoCmd.zoneAppendLba(memory, BASE)).isEqualTo(0x1000);
    }

    @Test
    void aBatchSaysHowLongItsElementsAre() {
        int both = BatchIo.UBLK_BATCH_F_HAS_BUF_ADDR | BatchIo.UBLK_BATCH_F_HAS_ZONE_LBA;
        BatchIo.write(memory, BASE, 1, both, 16);

        assertThat(BatchIo.elemBytes(memory, BASE)).isEqualTo(24);
        assertThat(ElemHeader.elementBytes(0)).isEqualTo(8);
        assertThat(ElemHeader.elementBytes(BatchIo.UBLK_BATCH_F_HAS_ZONE_LBA)).isEqualTo(16);
        assertThat(ElemHeader.zoneLbaOffset(BatchIo.UBLK_BATCH_F_HAS_ZONE_LBA)).isEqualTo(8);
        assertThat(ElemHeader.zoneLbaOffset(both)).isEqualTo(16);
    }

    @Test
    void aBufferRegistrationIsReadAsWritten() {
        ShmemBufReg.write(
                memory,
                BASE,
                0x7f00_0000_0000L,
                ShmemBufReg.MAX_LENGTH,
                ShmemBufReg.UBLK_SHMEM_BUF_READ_ONLY);

        assertThat(ShmemBufReg.addr(memory, BASE)).isEqualTo(0x7f00_0000_0000L);
        assertThat(ShmemBufReg.len(memory, BASE)).isEqualTo(1L << 32);
        assertThat(ShmemBufReg.flags(memory, BASE)).isEqualTo(1);
        assertThat(ShmemBufReg.reserved(memory, BASE)).isZero();
    }

    @Test
    void aPackedRegistrationOfABufferHasNoReservedBits() {
        assertThat(AutoBufReg.reserved(AutoBufReg.sqeAddress(0xffff, 0xff))).isZero();
        assertThat(AutoBufReg.reserved(1L << 24)).isNotZero();
    }

    @Test
    void anOffsetOfDataTellsQueueTagAndByte() {
        long offset = BufferOffset.of(4095, 65535, (1 << 25) - 1);

        assertThat(BufferOffset.queue(offset)).isEqualTo(4095);
        assertThat(BufferOffset.tag(offset)).isEqualTo(65535);
        assertThat(BufferOffset.bytes(offset)).isEqualTo((1 << 25) - 1);
        assertThat(BufferOffset.isIntegrity(offset)).isFalse();
        long integrity = BufferOffset.ofIntegrity(4095, 65535, 7);
        assertThat(BufferOffset.isIntegrity(integrity)).isTrue();
        assertThat(BufferOffset.queue(integrity)).isEqualTo(4095);
        assertThat(BufferOffset.bytes(integrity)).isEqualTo(7);
    }

    @Test
    void descriptorsOfAQueueAreMappedInWholePagesAtAFixedDistance() {
        assertThat(BufferOffset.descriptorBytes(128, 24, 4096)).isEqualTo(4096);
        assertThat(BufferOffset.descriptorBytes(171, 24, 4096)).isEqualTo(8192);
        assertThat(BufferOffset.descriptors(2, 24, 4096)).isEqualTo(2 * 4096L * 24);
        assertThat(BufferOffset.descriptors(1, 24, 65536)).isEqualTo(2 * 65536L);
    }

    @Test
    void deviceInfoIsReadAsWritten() {
        DeviceInfo info =
                new DeviceInfo(
                        4, 4096, DeviceState.UBLK_S_DEV_LIVE, 64, 1 << 20, -1, 4711, -1L, 5, 6, -7);
        DevInfo.write(memory, BASE, info);

        assertThat(DevInfo.read(memory, BASE)).isEqualTo(info);
        assertThat(DevInfo.read(memory.asSlice(BASE))).isEqualTo(info);
        assertThat(DevInfo.reserved2(memory, BASE)).isZero();
        assertThat(info.withState(0)).isNotEqualTo(info);
        assertThat(info.withState(0).withState(1)).isEqualTo(info);
    }

    @Test
    void aRequestForADeviceNamesItsFeatures() {
        DeviceInfo info = DeviceInfo.request(-1, 2, 128, 65536, Feature.UBLK_F_SHMEM_ZC);

        assertThat(info.features()).containsExactly(Feature.SHMEM_ZC);
        assertThat(info.state()).isZero();
    }

    @Test
    void parametersWithAllPartsAreReadAsWritten() {
        DeviceParams params =
                DeviceParams.of(new DeviceParams.Basic(7, 9, 12, 16, 12, 2048, 64, 1L << 41, 4095))
                        .with(new DeviceParams.Discard(1, 4096, 8, 16, 3))
                        .with(new DeviceParams.Devt(240, 1, 259, 2))
                        .with(new DeviceParams.Zoned(5, 6, 7))
                        .with(new DeviceParams.DmaAlign(511))
                        .with(new DeviceParams.Segment(0xffff_ffffL, 65536, 65535))
                        .with(new DeviceParams.Integrity(3, 65535, 9, 8, 1, 4, 2));
        params.write(memory, 0);

        assertThat(DeviceParams.read(memory, 0)).isEqualTo(params);
        assertThat(params.types()).isEqualTo(0x7f);
        assertThat(Params.len(memory, 0)).isEqualTo(Params.SIZE);
    }

    @Test
    void partsThatAreNotIncludedAreNullAndZero() {
        DeviceParams params = DeviceParams.of(new DeviceParams.Basic(0, 9, 9, 9, 9, 8, 0, 16, 0));
        params.write(memory, 0);

        assertThat(DeviceParams.read(memory, 0)).isEqualTo(params);
        assertThat(params.types()).isEqualTo(ParamType.UBLK_PARAM_TYPE_BASIC);
        assertThat(params.zoned()).isNull();
        assertThat(
                        memory.asSlice(Params.DISCARD, Params.SIZE - Params.DISCARD)
                                .mismatch(arena.allocate(Params.SIZE - Params.DISCARD)))
                .isEqualTo(-1);
    }

    @Test
    void partsStandWhereTheLayoutHasThem() {
        for (Object[] row :
                new Object[][] {
                    {"basic", Params.BASIC},
                    {"discard", Params.DISCARD},
                    {"devt", Params.DEVT},
                    {"zoned", Params.ZONED},
                    {"dma", Params.DMA},
                    {"seg", Params.SEG},
                    {"integrity", Params.INTEGRITY}
                }) {
            assertThat(
                            Params.LAYOUT.byteOffset(
                                    MemoryLayout.PathElement.groupElement((String) row[0])))
                    .isEqualTo((long) (int) row[1]);
        }
    }
}
