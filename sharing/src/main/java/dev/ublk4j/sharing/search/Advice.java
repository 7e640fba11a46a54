package dev.ublk4j.sharing.search;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.process.ProcessMemory;
import dev.ublk4j.sharedmemory.process.ProcessMemory.OpenFile;
import dev.ublk4j.sharing.adopt.AdoptedProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Finds out why requests of processes whose memory is adopted are copied all the same. */
public final class Advice {
    private static final long HUGE_PAGE = 2L << 20;
    private static final int MOST_PROCESSES = 64;

    /** Requests that say something. */
    private static final long ENOUGH = 16;

    private final String node;
    private final String number;
    private int direct;
    private int buffered;

    private Advice(int device) {
        this.node = "/dev/ublkb" + device;
        this.number = numberOf(device);
    }

    /** {@return major and minor number; empty where the device has no node} */
    private static String numberOf(int device) {
        try {
            return Files.readString(Path.of("/sys/block/ublkb%d/dev".formatted(device))).strip();
        } catch (IOException e) {
            return "";
        }
    }

    /**
     * {@return a program with what would help it}
     *
     * @param processes those that have its memory mapped
     * @param device the device's number
     * @param shared requests of the device that were, since the memory was adopted
     * @param copied requests that were copied since then
     */
    public static AdoptedProgram of(
            AdoptedProgram program, List<Integer> processes, int device, long shared, long copied) {
        Advice advice = new Advice(device);
        processes.stream().limit(MOST_PROCESSES).forEach(advice::look);
        return new AdoptedProgram(
                program.pid(),
                program.name(),
                program.buffers(),
                program.bytes(),
                program.pageSize(),
                processes.size(),
                advice.direct,
                advice.buffered,
                advice.lines(program, copied >= ENOUGH && copied > shared));
    }

    private void look(int pid) {
        try (ProcessMemory process = ProcessMemory.open(pid)) {
            for (OpenFile file : process.openFiles()) {
                // A partition has another number, but a name that begins alike.
                boolean isNode = file.path().startsWith(node);
                if (isNode || (!number.isEmpty() && file.device().equals(number))) {
                    if ((file.flags() & Fd.O_DIRECT) != 0) {
                        direct++;
                    } else {
                        buffered++;
                    }
                }
            }
        } catch (LinuxException e) {
            // It has ended, or is not for this process to look at.
        }
    }

    private List<String> lines(AdoptedProgram program, boolean mostlyCopied) {
        List<String> lines = new ArrayList<>();
        if (direct == 0 && buffered > 0) {
            lines.add(
                    "it has its files open without O_DIRECT, so the page cache is in between"
                            + " (PostgreSQL: debug_io_direct=data; QEMU: cache=none)");
        }
        if (direct > 0 && mostlyCopied) {
            lines.add(
                    "most requests come from memory that is not adopted: buffers in private memory"
                            + " cannot be");
        }
        if (program.pageSize() < HUGE_PAGE && program.bytes() >= HUGE_PAGE) {
            lines.add(
                    "pages of %d KiB: up to %d ranges for the driver to look through; huge pages would need %d"
                            .formatted(
                                    program.pageSize() >> 10,
                                    program.bytes() / program.pageSize(),
                                    (program.bytes() + HUGE_PAGE - 1) / HUGE_PAGE));
        }
        return lines;
    }
}
