package dev.ublk4j.vhostuser;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.invoke.VarHandle;

/** A guest's end of a split virtqueue. */
final class SplitTestRing extends TestRing {
    private static final VarHandle SHORT = JAVA_SHORT.varHandle();

    private int available;
    private int used;

    SplitTestRing(TestClient client, int index) {
        super(client, index);
    }

    @Override
    void descriptor(int number, long guest, int length, int flags, int next) {
        descriptorAt(start + number * 16, guest, length, flags, next);
    }

    void descriptorAt(int offset, long guest, int length, int flags, int next) {
        memory.set(JAVA_LONG, offset, guest);
        memory.set(JAVA_INT, offset + 8, length);
        memory.set(JAVA_SHORT, offset + 12, (short) flags);
        memory.set(JAVA_SHORT, offset + 14, (short) next);
    }

    /** The second half of the table comes in the wrong order, which the links put right. */
    @Override
    void table(int offset, Piece... pieces) {
        int half = pieces.length / 2;
        int last = pieces.length - 1;
        for (int i = 0; i <= last; i++) {
            Piece piece = pieces[i];
            int flags = piece.flags() | (i < last ? NEXT : 0);
            int place = i < half ? i : last + half - i;
            int next = i + 1 < half ? i + 1 : last + half - i - 1;
            descriptorAt(offset + place * 16, piece.guest(), piece.length(), flags, next);
        }
    }

    @Override
    void offer(int number) {
        memory.set(JAVA_SHORT, start + AVAILABLE + 4 + 2L * (available % SIZE), (short) number);
        available++;
        setAvailable(available);
    }

    void setAvailable(int value) {
        SHORT.setRelease(memory, (long) start + AVAILABLE + 2, (short) value);
    }

    @Override
    void callAfter(int requests) {
        memory.set(JAVA_SHORT, start + AVAILABLE + 4 + 2L * SIZE, (short) (requests - 1));
    }

    @Override
    int answered() {
        return (short) SHORT.getAcquire(memory, (long) start + USED + 2) & 0xffff;
    }

    @Override
    boolean isAnswered() {
        return answered() != (used & 0xffff);
    }

    @Override
    int take(int number) {
        long entry = start + USED + 4 + 8L * (used % SIZE);
        used++;
        assertThat(memory.get(JAVA_INT, entry)).isEqualTo(number);
        return memory.get(JAVA_INT, entry + 4);
    }

    /** Awaits an answer, where some have been given before this ring was begun with. */
    int awaitUsedAfter(int before, int number) {
        used = before;
        return awaitUsed(number);
    }

    @Override
    int here() {
        return available & 0xffff;
    }
}
