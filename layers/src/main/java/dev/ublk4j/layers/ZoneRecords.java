package dev.ublk4j.layers;

import dev.ublk4j.server.Zone.Condition;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** The records of a {@link ZoneTable} in memory, which may be that of its file. Any thread. */
final class ZoneRecords {
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();

    private static final long RECORD = 32;
    private static final long WRITTEN_AT = 8;
    private static final long LAST_AT = 16;

    private static final Condition[] BY_CODE = new Condition[16];

    static {
        Arrays.fill(BY_CODE, Condition.EMPTY);
        for (Condition each : Condition.values()) {
            BY_CODE[each.code()] = each;
        }
    }

    private final MemorySegment memory;

    ZoneRecords(MemorySegment memory) {
        this.memory = memory;
    }

    private long get(int zone, long field) {
        return (long) WORD.getVolatile(memory, zone * RECORD + field);
    }

    private void set(int zone, long field, long value) {
        WORD.setVolatile(memory, zone * RECORD + field, value);
    }

    /** {@return the condition; that of an empty zone where there is no such} */
    Condition condition(int zone) {
        return conditionOf(get(zone, 0));
    }

    /** {@return the condition of a code, that of an empty zone where there is no such} */
    static Condition conditionOf(long code) {
        return code >= 0 && code < BY_CODE.length ? BY_CODE[(int) code] : Condition.EMPTY;
    }

    void condition(int zone, Condition condition) {
        set(zone, 0, condition.code());
    }

    /** {@return where the written part ends, sectors} */
    long written(int zone) {
        return get(zone, WRITTEN_AT);
    }

    void written(int zone, long sectors) {
        set(zone, WRITTEN_AT, sectors);
    }

    /** {@return where the last write began, sectors} */
    long lastBegin(int zone) {
        return get(zone, LAST_AT);
    }

    /** Notes a write; those of a zone may end in any order. */
    void wrote(int zone, long begin, long end) {
        long at = zone * RECORD;
        long known = get(zone, WRITTEN_AT);
        while (known < end) {
            // First: of a write that is noted as the last one only, nothing is known.
            set(zone, LAST_AT, begin);
            long found = (long) WORD.compareAndExchange(memory, at + WRITTEN_AT, known, end);
            if (found == known) {
                return;
            }
            known = found;
        }
    }

    /** Notes that nothing is written. */
    void empty(int zone) {
        set(zone, WRITTEN_AT, 0);
        set(zone, LAST_AT, 0);
    }

    /** Takes over records, from one on. */
    void fill(int first, ByteBuffer records) {
        MemorySegment from = MemorySegment.ofBuffer(records);
        MemorySegment.copy(from, 0, memory, first * RECORD, from.byteSize());
    }

    /** {@return a copy of records, from one on} */
    ByteBuffer page(int first, int count) {
        byte[] bytes = new byte[(int) (count * RECORD)];
        MemorySegment.copy(memory, first * RECORD, MemorySegment.ofArray(bytes), 0, bytes.length);
        return ByteBuffer.wrap(bytes);
    }
}
