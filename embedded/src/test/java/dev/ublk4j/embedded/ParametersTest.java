package dev.ublk4j.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import dev.ublk4j.uapi.wire.ParamBasicLayout;
import dev.ublk4j.uapi.wire.ParamDevtLayout;
import dev.ublk4j.uapi.wire.ParamDiscardLayout;
import dev.ublk4j.uapi.wire.ParamDmaAlignLayout;
import dev.ublk4j.uapi.wire.ParamSegmentLayout;
import dev.ublk4j.uapi.wire.ParamType;
import dev.ublk4j.uapi.wire.ParamsLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ParametersTest {
    private static final int EINVAL = Errno.EINVAL.negated();

    private final EmbeddedDriver driver = EmbeddedDriver.create();
    private final Commands commands = new Commands(driver);
    private int id;

    @BeforeEach
    void addDevice() {
        id = commands.add(1, 2, 0);
    }

    @AfterEach
    void deleteDevice() {
        assertThat(commands.delete(id)).isZero();
    }

    private int setting(Consumer<MemorySegment> change) {
        MemorySegment params = Commands.params(1 << 20);
        change.accept(params);
        return commands.setParams(id, params);
    }

    private static void addType(MemorySegment params, int type) {
        ParamsLayout.types(params, 0, ParamsLayout.types(params, 0) | type);
    }

    @Test
    void basicParametersHaveBounds() {
        int basic = ParamsLayout.BASIC;
        assertThat(setting(p -> {})).isZero();
        assertThat(setting(p -> ParamBasicLayout.logicalBsShift(p, basic, 8))).isEqualTo(EINVAL);
        assertThat(setting(p -> ParamBasicLayout.logicalBsShift(p, basic, 12))).isZero();
        assertThat(setting(p -> ParamBasicLayout.logicalBsShift(p, basic, 13))).isEqualTo(EINVAL);
        assertThat(setting(p -> ParamBasicLayout.physicalBsShift(p, basic, 8))).isEqualTo(EINVAL);
        assertThat(setting(p -> ParamBasicLayout.physicalBsShift(p, basic, 28))).isZero();
        assertThat(setting(p -> ParamBasicLayout.physicalBsShift(p, basic, 29))).isEqualTo(EINVAL);
        assertThat(setting(p -> ParamBasicLayout.ioMinShift(p, basic, 29))).isEqualTo(EINVAL);
        assertThat(setting(p -> ParamBasicLayout.ioOptShift(p, basic, 29))).isEqualTo(EINVAL);
        assertThat(setting(p -> ParamBasicLayout.maxSectors(p, basic, 2049))).isEqualTo(EINVAL);
        assertThat(setting(p -> ParamBasicLayout.maxSectors(p, basic, 2048))).isZero();
        assertThat(setting(p -> ParamBasicLayout.maxSectors(p, basic, 8))).isZero();
        assertThat(setting(p -> ParamBasicLayout.maxSectors(p, basic, 7))).isEqualTo(EINVAL);
        assertThat(setting(p -> ParamBasicLayout.maxSectors(p, basic, -1))).isEqualTo(EINVAL);
    }

    @Test
    void onlyTheBasicPartIsNeeded() {
        assertThat(setting(p -> ParamsLayout.types(p, 0, ParamType.UBLK_PARAM_TYPE_DMA_ALIGN)))
                .isEqualTo(EINVAL);
        assertThat(setting(p -> ParamsLayout.types(p, 0, 0))).isEqualTo(EINVAL);
        assertThat(setting(p -> addType(p, 1 << 20))).isZero();
        assertThat(setting(p -> addType(p, ParamType.UBLK_PARAM_TYPE_DEVT))).isEqualTo(EINVAL);
        assertThat(setting(p -> addType(p, ParamType.UBLK_PARAM_TYPE_ZONED))).isEqualTo(EINVAL);
        assertThat(setting(p -> addType(p, ParamType.UBLK_PARAM_TYPE_INTEGRITY))).isEqualTo(EINVAL);
    }

    @Test
    void discardsHaveAGranularityAndOneSegment() {
        Consumer<MemorySegment> good =
                p -> {
                    addType(p, ParamType.UBLK_PARAM_TYPE_DISCARD);
                    ParamDiscardLayout.discardGranularity(p, ParamsLayout.DISCARD, 4096);
                    ParamDiscardLayout.maxDiscardSectors(p, ParamsLayout.DISCARD, 8);
                    ParamDiscardLayout.maxDiscardSegments(p, ParamsLayout.DISCARD, 1);
                };
        assertThat(setting(good)).isZero();
        assertThat(
                        setting(
                                good.andThen(p ->
                                        ParamDiscardLayout.maxDiscardSegments(
                                                p, ParamsLayout.DISCARD, 2))))
                .isEqualTo(EINVAL);
        assertThat(
                        setting(
                                good.andThen(p ->
                                        ParamDiscardLayout.discardGranularity(
                                                p, ParamsLayout.DISCARD, 0))))
                .isEqualTo(EINVAL);
        assertThat(
                        setting(
                                good.andThen(p -> {
                                    ParamDiscardLayout.maxDiscardSectors(
                                            p, ParamsLayout.DISCARD, 0);
                                    ParamDiscardLayout.maxDiscardSegments(
                                            p, ParamsLayout.DISCARD, 7);
                                })))
                .isZero();
    }

    @Test
    void alignmentAndSegmentsAreMasks() {
        for (int alignment : new int[] {0, 1, 511, 4095}) {
            assertThat(setting(dma(alignment))).isZero();
        }
        for (int alignment : new int[] {2, 4096, 8191, -1}) {
            assertThat(setting(dma(alignment))).isEqualTo(EINVAL);
        }
        assertThat(setting(segments(4095, 4096))).isZero();
        assertThat(setting(segments(4094, 4096))).isEqualTo(EINVAL);
        assertThat(setting(segments(2047, 4096))).isEqualTo(EINVAL);
        assertThat(setting(segments(4095, 4095))).isEqualTo(EINVAL);
        assertThat(setting(segments(Long.MAX_VALUE, -1))).isZero();
        assertThat(setting(segments(-1, 4096))).isEqualTo(EINVAL);
    }

    private static Consumer<MemorySegment> dma(int alignment) {
        return p -> {
            addType(p, ParamType.UBLK_PARAM_TYPE_DMA_ALIGN);
            ParamDmaAlignLayout.alignment(p, ParamsLayout.DMA, alignment);
        };
    }

    private static Consumer<MemorySegment> segments(long boundaryMask, int maxBytes) {
        return p -> {
            addType(p, ParamType.UBLK_PARAM_TYPE_SEGMENT);
            ParamSegmentLayout.segBoundaryMask(p, ParamsLayout.SEG, boundaryMask);
            ParamSegmentLayout.maxSegmentSize(p, ParamsLayout.SEG, maxBytes);
        };
    }

    @Test
    void whatIsSetIsReadBackWithTheDeviceNumbers() {
        MemorySegment params = Commands.params(1 << 20);
        assertThat(commands.setParams(id, params)).isZero();
        MemorySegment back = Arena.ofAuto().allocate(ParamsLayout.SIZE, 8);
        ParamsLayout.len(back, 0, ParamsLayout.SIZE);
        assertThat(commands.getParams(id, back)).isZero();
        assertThat(ParamsLayout.types(back, 0))
                .isEqualTo(ParamType.UBLK_PARAM_TYPE_BASIC | ParamType.UBLK_PARAM_TYPE_DEVT);
        assertThat(ParamDevtLayout.charMinor(back, ParamsLayout.DEVT)).isEqualTo(id);
        assertThat(ParamDevtLayout.diskMajor(back, ParamsLayout.DEVT)).isZero();
        assertThat(back.asSlice(8, 52).mismatch(params.asSlice(8, 52))).isEqualTo(-1);
    }

    @Test
    void partsOfTheStructureAreCopiedAlone() {
        MemorySegment params = Commands.params(1 << 20);
        ParamsLayout.len(params, 0, 40);
        assertThat(commands.setParams(id, params)).isZero();
        MemorySegment back = Arena.ofAuto().allocate(ParamsLayout.SIZE, 8);
        back.fill((byte) 7);
        ParamsLayout.len(back, 0, 16);
        assertThat(commands.getParams(id, back)).isZero();
        assertThat(ParamBasicLayout.logicalBsShift(back, ParamsLayout.BASIC)).isEqualTo(9);
        assertThat(ParamBasicLayout.maxSectors(back, ParamsLayout.BASIC)).isEqualTo(0x07070707);
    }

    @Test
    void whatIsRefusedClearsEverything() {
        assertThat(setting(p -> {})).isZero();
        assertThat(setting(p -> ParamBasicLayout.logicalBsShift(p, ParamsLayout.BASIC, 8)))
                .isEqualTo(EINVAL);
        MemorySegment back = Arena.ofAuto().allocate(ParamsLayout.SIZE, 8);
        ParamsLayout.len(back, 0, ParamsLayout.SIZE);
        assertThat(commands.getParams(id, back)).isZero();
        assertThat(ParamsLayout.types(back, 0)).isEqualTo(ParamType.UBLK_PARAM_TYPE_DEVT);
        assertThat(commands.start(id)).isEqualTo(EINVAL);
    }

    @Test
    void theHeaderIsChecked() {
        for (int op :
                new int[] {
                    ControlCommand.UBLK_U_CMD_SET_PARAMS, ControlCommand.UBLK_U_CMD_GET_PARAMS
                }) {
            MemorySegment params = Commands.params(1 << 20);
            int none = ControlCommandLayout.NO_QUEUE;
            assertThat(commands.send(op, id, none, params.address(), 8, 0, 0)).isEqualTo(EINVAL);
            assertThat(commands.send(op, id, none, 0, ParamsLayout.SIZE, 0, 0)).isEqualTo(EINVAL);
            assertThat(commands.send(op, id, none, 16, ParamsLayout.SIZE, 0, 0))
                    .isEqualTo(Errno.EFAULT.negated());
            ParamsLayout.len(params, 0, ParamsLayout.SIZE + 1);
            assertThat(commands.send(op, id, none, params, 0)).isEqualTo(EINVAL);
            ParamsLayout.len(params, 0, 0);
            assertThat(commands.send(op, id, none, params, 0)).isEqualTo(EINVAL);
        }
    }

    @Test
    void aQueueHasItsCpus() {
        EmbeddedDriver wide = EmbeddedDriver.create(EmbeddedOptions.defaults().withCpus(5));
        Commands sent = new Commands(wide);
        assertThat(sent.add(2, 1, 0)).isZero();
        int op = ControlCommand.UBLK_U_CMD_GET_QUEUE_AFFINITY;
        MemorySegment mask = Arena.ofAuto().allocate(16, 8);
        mask.fill((byte) -1);
        assertThat(sent.send(op, 0, ControlCommandLayout.NO_QUEUE, mask, 0)).isZero();
        assertThat(RamServer.at(mask, 0)).isEqualTo((byte) 0b00111);
        assertThat(RamServer.at(mask, 15)).isZero();
        assertThat(sent.send(op, 0, ControlCommandLayout.NO_QUEUE, mask, 1)).isZero();
        assertThat(RamServer.at(mask, 0)).isEqualTo((byte) 0b11000);
        assertThat(sent.send(op, 0, ControlCommandLayout.NO_QUEUE, mask, 2)).isEqualTo(EINVAL);
        assertThat(sent.send(op, 0, ControlCommandLayout.NO_QUEUE, mask.address(), 12, 0, 0))
                .isEqualTo(EINVAL);
        assertThat(sent.send(op, 0, ControlCommandLayout.NO_QUEUE, mask.address(), 0, 0, 0))
                .isEqualTo(EINVAL);
        assertThat(sent.delete(0)).isZero();
    }
}
