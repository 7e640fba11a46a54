package dev.ublk4j.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class PagesTest {
    private static final long PAGE = Pages.SIZE;

    @Test
    void aPageIsAPowerOfTwoOf4096BytesOrMore() {
        assertThat(PAGE).isGreaterThanOrEqualTo(4096);
        assertThat(1L << Pages.SHIFT).isEqualTo(PAGE);
    }

    @Test
    void addressesAreRoundedToPages() {
        assertThat(Pages.floor(PAGE + 1)).isEqualTo(PAGE);
        assertThat(Pages.ceiling(PAGE + 1)).isEqualTo(2 * PAGE);
        assertThat(Pages.ceiling(PAGE)).isEqualTo(PAGE);
        assertThat(Pages.isAligned(3 * PAGE)).isTrue();
        assertThat(Pages.isAligned(PAGE / 2)).isFalse();
    }

    @Test
    void aRangeTouchesThePagesOfItsFirstAndLastByte() {
        assertThat(Pages.count(PAGE - 1, 0)).isZero();
        assertThat(Pages.count(PAGE - 1, 2)).isEqualTo(2);
        assertThat(Pages.count(PAGE, PAGE)).isOne();
    }

    @Test
    void onlyPagesThatAreThereAndAccessibleArePopulated() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = Mapping.anonymous(2 * PAGE, Mapping.MAP_PRIVATE, arena);
            assertThat(Pages.populate(memory.address(), 2 * PAGE, true)).isZero();
        }
        assertThat(Pages.populate(0, PAGE, false)).isEqualTo(Errno.EFAULT.negated());
    }
}
