package dev.ublk4j.conformance.lane;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.embedded.ZoneChange;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.Sectors;
import dev.ublk4j.uapi.wire.ZoneLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/**
 * A block device opened with {@code O_DIRECT}. Each operation under way has a thread of its own,
 * because some of them are calls that block.
 */
final class KernelDisk implements ClientDisk {
    /** {@code BLKGETSIZE64} of {@code linux/fs.h}. */
    private static final long BLKGETSIZE64 = 0x80081272L;

    /** {@code BLKREPORTZONE} of {@code linux/blkzoned.h}, with a header of so many bytes. */
    private static final long BLKREPORTZONE = 0xC0101282L;

    private static final long REPORT_HEADER = 16;

    private final Fd fd;
    private final List<KernelClient> clients = new ArrayList<>();

    KernelDisk(Fd fd) {
        this.fd = fd;
    }

    @Override
    public long size() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment answer = arena.allocate(JAVA_LONG);
            LinuxException.check("BLKGETSIZE64", fd.name(), fd.ioctl(BLKGETSIZE64, answer));
            return answer.get(JAVA_LONG, 0);
        }
    }

    @Override
    public CompletableFuture<Long> submit(Io io) {
        synchronized (clients) {
            for (KernelClient client : clients) {
                CompletableFuture<Long> answer = client.tryStart(io);
                if (answer != null) {
                    return answer;
                }
            }
            KernelClient client = new KernelClient(fd);
            clients.add(client);
            return Objects.requireNonNull(client.tryStart(io), "a new client is idle");
        }
    }

    @Override
    public long pread(MemorySegment memory, long position) {
        return fd.pread(memory, position);
    }

    @Override
    public long pwrite(MemorySegment memory, long position) {
        return fd.pwrite(memory, position);
    }

    @Override
    public long changeZones(ZoneChange change, long position, long length) {
        try (Arena arena = Arena.ofConfined()) {
            long sector = position >> Sectors.SHIFT;
            MemorySegment range = arena.allocateFrom(JAVA_LONG, sector, length >> Sectors.SHIFT);
            return fd.ioctl(code(change), range);
        }
    }

    /** {@return the request of {@code linux/blkzoned.h}} */
    private static long code(ZoneChange change) {
        return switch (change) {
            case OPEN -> 0x40101286L;
            case CLOSE -> 0x40101287L;
            case FINISH -> 0x40101288L;
            case RESET -> 0x40101283L;
        };
    }

    @Override
    public long reportZones(long position, MemorySegment memory) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment report = arena.allocate(REPORT_HEADER + memory.byteSize(), 8);
            report.set(JAVA_LONG, 0, position >> Sectors.SHIFT);
            report.set(JAVA_INT, 8, (int) (memory.byteSize() / ZoneLayout.SIZE));
            long answer = fd.ioctl(BLKREPORTZONE, report);
            MemorySegment.copy(report, REPORT_HEADER, memory, 0, memory.byteSize());
            return answer < 0 ? answer : report.get(JAVA_INT, 8);
        }
    }

    @Override
    public void close() {
        synchronized (clients) {
            clients.forEach(KernelClient::close);
            clients.clear();
        }
        fd.close();
    }

    @Override
    public String toString() {
        return fd.toString();
    }
}
