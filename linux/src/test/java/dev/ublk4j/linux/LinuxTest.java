package dev.ublk4j.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.call.Syscall;
import dev.ublk4j.linux.internal.UserMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LinuxTest {
    @TempDir Path folder;

    @Test
    void openingAMissingFileNamesTheCallTheFileAndTheErrno() {
        Path missing = folder.resolve("missing");

        assertThatThrownBy(() -> Fd.open(missing, Fd.O_RDONLY))
                .isInstanceOfSatisfying(
                        LinuxException.class,
                        e -> {
                            assertThat(e.errno()).isEqualTo(Errno.ENOENT);
                            assertThat(e.call()).isEqualTo("openat");
                            assertThat(e.object()).isEqualTo(missing.toString());
                        })
                .hasMessageContaining("ENOENT (2)");
    }

    @Test
    void aMappedFileShowsTheBytesOfTheFile() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "0123456789");

        try (Fd fd = Fd.open(file, Fd.O_RDONLY);
                Arena arena = Arena.ofConfined()) {
            MemorySegment segment =
                    Mapping.map(fd, 0, 10, Mapping.PROT_READ, Mapping.MAP_SHARED, arena);

            assertThat(segment.get(ValueLayout.JAVA_BYTE, 7)).isEqualTo((byte) '7');
            assertThat(segment.isReadOnly()).isTrue();
        }
    }

    @Test
    void readingAWildAddressAnswersEfaultAndTheProcessGoesOn() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(16);

            assertThat(UserMemory.read(0x1000, buffer)).isEqualTo(Errno.EFAULT.negated());
            assertThat(UserMemory.write(-4096, buffer)).isEqualTo(Errno.EFAULT.negated());
        }
    }

    @Test
    void userMemoryCopiesBothWays() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment there = arena.allocateFrom("hello");
            MemorySegment here = arena.allocate(6);

            assertThat(UserMemory.read(there.address(), here)).isZero();
            assertThat(here.getString(0)).isEqualTo("hello");
            assertThat(UserMemory.write(there.address(), arena.allocateFrom("olleh"))).isZero();
            assertThat(there.getString(0)).isEqualTo("olleh");
        }
    }

    @Test
    void anEventFdCountsItsSignals() {
        try (EventFd event = EventFd.nonBlocking();
                Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(ValueLayout.JAVA_LONG);
            event.signal();
            event.signal();

            long read =
                    Syscall.call(
                            Syscall.Call.READ, event.fd().number(), value.address(), Long.BYTES);

            assertThat(read).isEqualTo(Long.BYTES);
            assertThat(value.get(ValueLayout.JAVA_LONG, 0)).isEqualTo(2);
            assertThat(Syscall.call(Syscall.Call.READ, event.fd().number(), value.address(), 8))
                    .isEqualTo(Errno.EAGAIN.negated());
        }
    }

    @Test
    void everyErrnoIsFoundByItsNumberWithEitherSign() {
        for (Errno errno : Errno.values()) {
            assertThat(Errno.of(errno.number())).isEqualTo(errno);
            assertThat(Errno.of(errno.negated())).isEqualTo(errno);
        }
        assertThat(Errno.of(100_000)).isEqualTo(Errno.UNKNOWN);
    }

    @Test
    void closingTwiceClosesOnce() throws Exception {
        Fd fd = Fd.open(Files.createFile(folder.resolve("file")), Fd.O_RDWR);
        fd.close();
        fd.close();

        assertThat(fd.isClosed()).isTrue();
        assertThat(fd.toString()).contains("closed");
    }
}
