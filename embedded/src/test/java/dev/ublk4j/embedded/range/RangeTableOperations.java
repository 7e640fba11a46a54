package dev.ublk4j.embedded.range;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Look-ups and matches are linearizable with the registrations of one writer. */
@Param(name = "buffer", gen = IntGen.class, conf = "1:2")
@Param(name = "seen", gen = IntGen.class, conf = "0:1")
public abstract class RangeTableOperations {
    private static final long[][] BUFFERS = {{0, 4}, {1, 2, 6}, {2, 8}};
    private static final int[] OFFSETS = {0, 0};
    private static final int[] LENGTHS = {4096, 4096};

    private final RangeTable table;

    /** Starts with a buffer that stays: whoever misses it has seen a table that never was. */
    protected RangeTableOperations(RangeTable table) {
        this.table = table;
        table.register(BUFFERS[0], 0);
    }

    /** The two buffers share a frame: the later one is refused. */
    @Operation(nonParallelGroup = "writer")
    public int register(@Param(name = "buffer") int buffer) {
        return table.register(BUFFERS[buffer], 0);
    }

    @Operation(nonParallelGroup = "writer")
    public int unregister() {
        return table.unregister(1);
    }

    @Operation
    public long find(@Param(name = "seen") int frame) {
        return table.find(frame);
    }

    @Operation
    public long matchWholeBuffer(@Param(name = "seen") int buffer) {
        return RequestMatcher.match(table, false, BUFFERS[buffer], OFFSETS, LENGTHS, 2);
    }

    @Test
    @Timeout(300)
    void everyInterleavingOfOneWriterAndOneReaderHasASequentialOrder() {
        new ModelCheckingOptions()
                .iterations(6)
                .invocationsPerIteration(60)
                .threads(2)
                .actorsPerThread(3)
                .actorsBefore(1)
                .actorsAfter(0)
                .check(getClass());
    }
}
