package dev.ublk4j.vhostuser;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.vhostuser.ring.PackedDriver;
import java.util.ArrayList;
import java.util.List;

/** A guest's end of a packed virtqueue. Its descriptors get into the ring when they are offered. */
final class PackedTestRing extends TestRing {
    /** Flags that mean nothing in an indirect table. */
    private static final int NOISE = PackedDriver.AVAIL | NEXT | INDIRECT;

    final PackedDriver driver;
    private final Piece[] pieces = new Piece[SIZE];
    private final int[] nexts = new int[SIZE];
    private int taken;

    PackedTestRing(TestClient client, int index) {
        super(client, index);
        driver = new PackedDriver(memory, start, start + AVAILABLE, start + USED, SIZE);
    }

    @Override
    void descriptor(int number, long guest, int length, int flags, int next) {
        pieces[number] = new Piece(guest, length, flags);
        nexts[number] = next;
    }

    @Override
    void table(int offset, Piece... entries) {
        for (int i = 0; i < entries.length; i++) {
            memory.set(JAVA_LONG, offset + i * 16L, entries[i].guest());
            memory.set(JAVA_INT, offset + i * 16L + 8, entries[i].length());
            memory.set(JAVA_SHORT, offset + i * 16L + 12, (short) 0x7777);
            memory.set(JAVA_SHORT, offset + i * 16L + 14, (short) (entries[i].flags() | NOISE));
        }
    }

    /**
     * The descriptors from a number on: those of a circle as often as there is room in the ring.
     */
    private List<PackedDriver.Piece> from(int number) {
        List<PackedDriver.Piece> list = new ArrayList<>();
        int at = number;
        while (true) {
            Piece piece = pieces[at];
            list.add(new PackedDriver.Piece(piece.guest(), piece.length(), piece.flags()));
            if ((piece.flags() & NEXT) == 0 || list.size() == SIZE) {
                return list;
            }
            at = nexts[at];
        }
    }

    @Override
    void offer(int number) {
        driver.offer(number, from(number));
    }

    /** Makes a request available by another number than that of its first descriptor. */
    void offerAs(int number, int id) {
        driver.offer(id, from(number));
    }

    @Override
    void callAfter(int requests) {
        driver.setEvent(PackedDriver.ONE_EVENT, (requests - 1) * 3 | 1 << 15);
    }

    @Override
    int answered() {
        return taken + (driver.isAnswered() ? 1 : 0);
    }

    @Override
    boolean isAnswered() {
        return driver.isAnswered();
    }

    @Override
    int take(int number) {
        PackedDriver.Answer answer = driver.take();
        assertThat(answer).isNotNull();
        assertThat(answer.id()).isEqualTo(number);
        taken++;
        return answer.written();
    }

    @Override
    int here() {
        return driver.nextWord() | driver.nextWord() << 16;
    }
}
