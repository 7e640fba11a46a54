package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.device.MemoryBackend;
import dev.ublk4j.conformance.device.Seen;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientArea.Piece;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.DeviceParams.Basic;
import dev.ublk4j.uapi.wire.DeviceParams.Discard;
import dev.ublk4j.uapi.wire.DeviceParams.DmaAlign;
import dev.ublk4j.uapi.wire.DeviceParams.Segment;
import java.lang.foreign.Arena;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Into which requests an operation is cut by the limits of a device. */
public abstract class SplitRules extends LaneRules {
    protected SplitRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    private static DeviceParams limits(
            int physicalShift, int maxSectors, int chunk, long boundary) {
        return DeviceParams.of(
                        new Basic(
                                0,
                                9,
                                physicalShift,
                                physicalShift,
                                9,
                                maxSectors,
                                chunk,
                                Shape.SIZE >> 9,
                                boundary))
                .with(new DmaAlign(511));
    }

    /** {@return the requests a server sees of one operation, in the order of their sectors} */
    private List<String> parts(DeviceParams params, Function<ClientArea, Io> operation) {
        MemoryBackend backend = new MemoryBackend(Shape.SIZE);
        try (TestDevice device = live(Shape.plain().with(1, 16).with(params), backend);
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pattern(pages(arena, 64L * PAGE), 2));
                ClientDisk disk = device.open()) {
            Io io = operation.apply(area);
            assertThat(disk.run(io)).isEqualTo(io.length());
            long at = io.position();
            for (Piece piece : io.pieces()) {
                assertThat(backend.disk().asSlice(at, piece.length()).mismatch(piece.memory()))
                        .as("the piece at %d", at)
                        .isEqualTo(-1);
                at += piece.length();
            }
            Stream<Seen> seen = device.queue().seen().stream();
            return seen.sorted(Comparator.comparingLong(Seen::sector)).map(Seen::what).toList();
        }
    }

    @Test
    void noRequestIsLargerThanTheLargest() {
        assertThat(parts(limits(9, 64, 0, 0), area -> Io.write(0, area.piece(0, 25L * PAGE))))
                .containsExactly("write 0+64", "write 64+64", "write 128+64", "write 192+8");
    }

    @Test
    void aRequestThatIsExactlyTheLargestIsWhole() {
        assertThat(parts(limits(9, 64, 0, 0), area -> Io.write(8 * 512, area.piece(0, 8L * PAGE))))
                .containsExactly("write 8+64");
    }

    @Test
    void cutsAreMadeWhereAPhysicalBlockEnds() {
        assertThat(parts(limits(12, 64, 0, 0), area -> Io.write(512, area.piece(0, 16L * PAGE))))
                .containsExactly("write 1+63", "write 64+64", "write 128+1");
    }

    @Test
    void aChunkIsNeverCrossed() {
        assertThat(
                        parts(
                                limits(9, 128, 32, 0),
                                area -> Io.write(24 * 512, area.piece(0, 8L * PAGE))))
                .containsExactly("write 24+8", "write 32+32", "write 64+24");
    }

    @Test
    void thereAreNoMoreSegmentsThanTheDeviceTakes() {
        DeviceParams params = limits(9, 512, 0, 0).with(new Segment(0xffff_ffffL, 65536, 2));
        assertThat(
                        parts(
                                params,
                                area ->
                                        Io.write(
                                                0,
                                                area.piece(8L * PAGE, PAGE),
                                                area.piece(4L * PAGE, PAGE),
                                                area.piece(12L * PAGE, PAGE))))
                .containsExactly("write 0+16", "write 16+8");
    }

    @Test
    void aGapBetweenSegmentsThatTheDeviceCannotTakeMakesACut() {
        assertThat(
                        parts(
                                limits(9, 512, 0, 4095),
                                area ->
                                        Io.write(
                                                0,
                                                area.piece(512, 1024),
                                                area.piece(8L * PAGE, PAGE),
                                                area.piece(16L * PAGE, PAGE))))
                .containsExactly("write 0+2", "write 2+16");
    }

    @Test
    void segmentsThatMeetAtTheBoundaryAreNotCut() {
        assertThat(
                        parts(
                                limits(9, 512, 0, 4095),
                                area ->
                                        Io.write(
                                                0,
                                                area.piece(2L * PAGE + 1024, 3072),
                                                area.piece(8L * PAGE, PAGE),
                                                area.piece(16L * PAGE, 1024))))
                .containsExactly("write 0+16");
    }

    @Test
    void noDiscardIsLargerThanTheLargest() {
        DeviceParams params = limits(9, 128, 0, 0).with(new Discard(0, 4096, 256, 0, 1));
        assertThat(parts(params, area -> Io.discard(0, 600 * 512L)))
                .containsExactly("discard 0+256", "discard 256+256", "discard 512+88");
    }

    /** The part before the first whole unit goes alone, however much would fit with it. */
    @Test
    void discardsAreCutWhereAUnitBegins() {
        DeviceParams params = limits(9, 128, 0, 0).with(new Discard(0, 65536, 256, 0, 1));
        assertThat(parts(params, area -> Io.discard(64 * 512, 512 * 512L)))
                .containsExactly("discard 64+64", "discard 128+256", "discard 384+192");
    }

    @Test
    void noWriteOfZeroesIsLargerThanTheLargest() {
        DeviceParams params = limits(9, 128, 0, 0).with(new Discard(0, 4096, 0, 128, 0));
        assertThat(parts(params, area -> Io.writeZeroes(0, 300 * 512L, true)))
                .containsExactly(
                        "write-zeroes 0+128", "write-zeroes 128+128", "write-zeroes 256+44");
    }

    @Test
    void blocksOfAPageMakeRequestsOfWholePages() {
        DeviceParams params =
                DeviceParams.of(new Basic(0, 12, 12, 12, 12, 72, 0, Shape.SIZE >> 9, 0))
                        .with(new DmaAlign(511));
        assertThat(parts(params, area -> Io.write(PAGE, area.piece(0, 16L * PAGE))))
                .containsExactly("write 8+72", "write 80+56");
    }
}
