package dev.ublk4j.uapi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.uapi.wire.AutoBufRegLayout;
import dev.ublk4j.uapi.wire.BatchIoLayout;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.ElemHeaderLayout;
import dev.ublk4j.uapi.wire.IoCommandLayout;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uapi.wire.ParamType;
import dev.ublk4j.uapi.wire.ParamsLayout;
import dev.ublk4j.uapi.wire.ShmemAddress;
import dev.ublk4j.uapi.wire.ShmemBufRegLayout;
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
        ControlCommandLayout.write(
                memory,
                BASE,
                7,
                ControlCommandLayout.NO_QUEUE,
                DeviceInfoLayout.SIZE,
                0x7fff_0000L,
                -2);

        assertThat(ControlCommandLayout.devId(memory, BASE)).isEqualTo(7);
        assertThat(ControlCommandLayout.queueId(memory, BASE))
                .isEqualTo(ControlCommandLayout.NO_QUEUE);
        assertThat(ControlCommandLayout.len(memory, BASE)).isEqualTo(DeviceInfoLayout.SIZE);
        assertThat(ControlCommandLayout.addr(memory, BASE)).isEqualTo(0x7fff_0000L);
        assertThat(ControlCommandLayout.data(memory, BASE)).isEqualTo(-2);
        assertThat(ControlCommandLayout.devPathLen(memory, BASE)).isZero();
        assertThat(ControlCommandLayout.reserved(memory, BASE)).isZero();
    }

    @Test
    void aDescriptorIsReadAsWritten() {
        int word = IoOp.UBLK_IO_OP_WRITE | IoFlag.UBLK_IO_F_FUA | IoFlag.UBLK_IO_F_SHMEM_ZC;
        IoDescLayout.write(memory, BASE, word, 8, 1L << 40, ShmemAddress.of(3, 4096));

        assertThat(IoDescLayout.op(memory, BASE)).isEqualTo(IoOp.UBLK_IO_OP_WRITE);
        assertThat(IoDescLayout.flags(memory, BASE))
                .isEqualTo(IoFlag.UBLK_IO_F_FUA | IoFlag.UBLK_IO_F_SHMEM_ZC);
        assertThat(IoDescLayout.nrSectors(memory, BASE)).isEqualTo(8);
        assertThat(IoDescLayout.nrZones(memory, BASE)).isEqualTo(8);
        assertThat(IoDescLayout.startSector(memory, BASE)).isEqualTo(1L << 40);
        assertThat(ShmemAddress.index(IoDescLayout.addr(memory, BASE))).isEqualTo(3);
        assertThat(ShmemAddress.offset(IoDescLayout.addr(memory, BASE))).isEqualTo(4096);
    }

    @Test
    void descriptorsAreAsFarApartAsTheDeviceSays() {
        assertThat(IoDescLayout.offset(3)).isEqualTo(72);
        assertThat(IoDescLayout.offset(4095, 256)).isEqualTo(4095L * 256);
    }

    @Test
    void anIoCommandIsReadAsWritten() {
        IoCommandLayout.write(memory, BASE, 3, 127, -5, 0x1000);

        assertThat(IoCommandLayout.qId(memory, BASE)).isEqualTo(3);
        assertThat(IoCommandLayout.tag(memory, BASE)).isEqualTo(127);
        assertThat(IoCommandLayout.result(memory, BASE)).isEqualTo(-5);
        assertThat(IoCommandLayout.zoneAppendLba(memory, BASE)).isEqualTo(0x1000);
    }

    @Test
    void aBatchSaysHowLongItsElementsAre() {
        int both =
                BatchIoLayout.UBLK_BATCH_F_HAS_BUF_ADDR | BatchIoLayout.UBLK_BATCH_F_HAS_ZONE_LBA;
        BatchIoLayout.write(memory, BASE, 1, both, 16);

        assertThat(BatchIoLayout.elemBytes(memory, BASE)).isEqualTo(24);
        assertThat(ElemHeaderLayout.elementBytes(0)).isEqualTo(8);
        assertThat(ElemHeaderLayout.elementBytes(BatchIoLayout.UBLK_BATCH_F_HAS_ZONE_LBA))
                .isEqualTo(16);
        assertThat(ElemHeaderLayout.zoneLbaOffset(BatchIoLayout.UBLK_BATCH_F_HAS_ZONE_LBA))
                .isEqualTo(8);
        assertThat(ElemHeaderLayout.zoneLbaOffset(both)).isEqualTo(16);
    }

    @Test
    void aBufferRegistrationIsReadAsWritten() {
        ShmemBufRegLayout.write(
                memory,
                BASE,
                0x7f00_0000_0000L,
                ShmemBufRegLayout.MAX_LENGTH,
                ShmemBufRegLayout.UBLK_SHMEM_BUF_READ_ONLY);

        assertThat(ShmemBufRegLayout.addr(memory, BASE)).isEqualTo(0x7f00_0000_0000L);
        assertThat(ShmemBufRegLayout.len(memory, BASE)).isEqualTo(1L << 32);
        assertThat(ShmemBufRegLayout.flags(memory, BASE)).isEqualTo(1);
        assertThat(ShmemBufRegLayout.reserved(memory, BASE)).isZero();
    }

    @Test
    void aPackedRegistrationOfABufferHasNoReservedBits() {
        assertThat(AutoBufRegLayout.reserved(AutoBufRegLayout.sqeAddress(0xffff, 0xff))).isZero();
        assertThat(AutoBufRegLayout.reserved(1L << 24)).isNotZero();
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
        DeviceInfoLayout.write(memory, BASE, info);

        assertThat(DeviceInfoLayout.read(memory, BASE)).isEqualTo(info);
        assertThat(DeviceInfoLayout.read(memory.asSlice(BASE))).isEqualTo(info);
        assertThat(DeviceInfoLayout.reserved2(memory, BASE)).isZero();
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
        assertThat(ParamsLayout.len(memory, 0)).isEqualTo(ParamsLayout.SIZE);
    }

    @Test
    void partsThatAreNotIncludedAreNullAndZero() {
        DeviceParams params = DeviceParams.of(new DeviceParams.Basic(0, 9, 9, 9, 9, 8, 0, 16, 0));
        params.write(memory, 0);

        assertThat(DeviceParams.read(memory, 0)).isEqualTo(params);
        assertThat(params.types()).isEqualTo(ParamType.UBLK_PARAM_TYPE_BASIC);
        assertThat(params.zoned()).isNull();
        assertThat(
                        memory.asSlice(
                                        ParamsLayout.DISCARD,
                                        ParamsLayout.SIZE - ParamsLayout.DISCARD)
                                .mismatch(arena.allocate(ParamsLayout.SIZE - ParamsLayout.DISCARD)))
                .isEqualTo(-1);
    }

    @Test
    void partsStandWhereTheLayoutHasThem() {
        for (Object[] row :
                new Object[][] {
                    {"basic", ParamsLayout.BASIC},
                    {"discard", ParamsLayout.DISCARD},
                    {"devt", ParamsLayout.DEVT},
                    {"zoned", ParamsLayout.ZONED},
                    {"dma", ParamsLayout.DMA},
                    {"seg", ParamsLayout.SEG},
                    {"integrity", ParamsLayout.INTEGRITY}
                }) {
            assertThat(
                            ParamsLayout.LAYOUT.byteOffset(
                                    MemoryLayout.PathElement.groupElement((String) row[0])))
                    .isEqualTo((long) (int) row[1]);
        }
    }
}
