package dev.ublk4j.sharing.search;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.FileIdentity;
import dev.ublk4j.sharedmemory.process.MappedArea;
import dev.ublk4j.sharedmemory.process.ProcessMemory;
import dev.ublk4j.sharedmemory.process.ProcessMemory.Detail;
import dev.ublk4j.sharedmemory.process.ProcessMemory.OpenFile;
import dev.ublk4j.sharing.adopt.AdoptedProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Finds out why requests of processes whose memory is adopted are copied all the same. */
public final class Advice {
    private static final long HUGE_PAGE = 2L << 20;
    private static final int MOST_PROCESSES = 64;

    /** Requests that say something. */
    private static final long ENOUGH = 16;

    private final String node;
    private final String number;
    private final FileIdentity memory;
    private long pageSize;
    private int direct;
    private int buffered;

    private Advice(int device, FileIdentity memory) {
        this.memory = memory;
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
     * @param memory its file
     * @param processes those that have it mapped
     * @param device the device's number
     * @param shared requests of the device that were, since the memory was adopted
     * @param copied requests that were copied since then
     */
    public static AdoptedProgram of(
            AdoptedProgram program,
            FileIdentity memory,
            List<Integer> processes,
            int device,
            long shared,
            long copied) {
        Advice advice = new Advice(device, memory);
        advice.pageSize = program.pageSize();
        processes.stream().limit(1).forEach(advice::lookAtPages);
        processes.stream().limit(MOST_PROCESSES).forEach(advice::look);
        return new AdoptedProgram(
                program.pid(),
                program.name(),
                program.buffers(),
                program.bytes(),
                advice.pageSize,
                processes.size(),
                advice.direct,
                advice.buffered,
                advice.lines(program, copied >= ENOUGH && copied > shared));
    }

    /** Transparent huge pages show in how a process has the memory mapped, and nowhere else. */
    private void lookAtPages(int pid) {
        try (ProcessMemory process = ProcessMemory.open(pid)) {
            Map<Long, Detail> details = process.details();
            for (MappedArea area : process.areas()) {
                Detail detail = details.get(area.start());
                if (detail != null && area.file().equals(memory)) {
                    pageSize = Math.max(pageSize, detail.pageSize());
                }
            }
        } catch (LinuxException e) {
            // It has ended, or is not for this process to look at.
        }
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
        if (pageSize < HUGE_PAGE && program.bytes() >= HUGE_PAGE) {
            lines.add(
                    "pages of %d KiB: up to %d ranges for the driver to look through; huge pages would need %d"
                            .formatted(
                                    pageSize >> 10,
                                    program.bytes() / pageSize,
                                    (program.bytes() + HUGE_PAGE - 1) / HUGE_PAGE));
        }
        return lines;
    }
}
