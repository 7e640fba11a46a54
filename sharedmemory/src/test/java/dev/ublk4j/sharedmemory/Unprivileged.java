package dev.ublk4j.sharedmemory;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Mapping;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Run as a process of its own, which may lock 64 KiB and has no capabilities. */
final class Unprivileged {
    static final String STARTED = "started";

    private static final long MIB = 1 << 20;

    private Unprivileged() {}

    public static void main(String[] arguments) {
        System.out.println(STARTED);
        try (PageFrames frames = PageFrames.open()) {
            System.out.println("frames " + (frames.isReal() ? "real" : "synthetic"));
        }
        report("real", () -> PageFrames.real().close());
        try (Arena arena = Arena.ofConfined();
                PagePins pins = PagePins.open();
                SharedMemory memory = SharedMemory.create("test", MIB)) {
            MemorySegment writable = Mapping.anonymous(MIB, Mapping.MAP_PRIVATE, arena);
            MemorySegment readOnly = memory.map(arena, true);
            report("small", () -> pins.pin(writable.address(), Pages.SIZE, true));
            report("large", () -> pins.pin(writable.address(), MIB, true));
            report("large again", () -> pins.pin(writable.address(), MIB, false));
            report("read-only", () -> pins.pin(readOnly.address(), MIB, false));
        }
    }

    private static void report(String what, Runnable pinning) {
        String result;
        try {
            pinning.run();
            result = "pinned";
        } catch (LinuxException e) {
            result = e.errno().name();
        }
        System.out.println(what + " " + result);
    }
}
