package dev.ublk4j.uring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.LinuxException;
import org.junit.jupiter.api.Test;

/** The slots for files that the users of a ring share. */
class FileSlotsTest {
    @Test
    void aFileThatNoSlotIsFreeForIsToBeUsedByItsDescriptor() {
        try (Ring ring = Ring.open(RingOptions.defaults());
                EventFd file = EventFd.blocking()) {
            FileSlots slots = new FileSlots(ring, 2);
            int fd = file.fd().number();

            assertThat(slots.add(fd)).isZero();
            assertThat(slots.add(fd)).isEqualTo(1);
            assertThat(slots.add(fd)).isEqualTo(-1);

            slots.remove(0);
            assertThat(slots.add(fd)).isZero();
        }
    }

    @Test
    void aSlotThatIsEmptyIsRemovedForNothing() {
        try (Ring ring = Ring.open(RingOptions.defaults())) {
            FileSlots slots = new FileSlots(ring, 2);

            slots.remove(0);
            slots.remove(-1);

            assertThat(ring.toString()).contains("0 of");
        }
    }

    @Test
    void whatIsNoFileTakesNoSlot() {
        try (Ring ring = Ring.open(RingOptions.defaults());
                EventFd file = EventFd.blocking()) {
            FileSlots slots = new FileSlots(ring, 1);

            assertThatThrownBy(() -> slots.add(1 << 20))
                    .isInstanceOf(LinuxException.class)
                    .hasMessageContaining(Errno.EBADF.toString());
            assertThat(slots.add(file.fd().number())).isZero();
        }
    }
}
