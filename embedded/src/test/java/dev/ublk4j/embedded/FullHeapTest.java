package dev.ublk4j.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.driver.control.Control;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A driver whose heap is full, in a process of its own. */
class FullHeapTest {
    private static final long BYTES = 4L << 20;

    @Test
    void nothingIsHeldOfABufferThatFoundNoRoomInTheHeap() throws Exception {
        run(Child.class, "24m");
    }

    @Test
    void aCommandIsDoneOrRefusedWhereverTheHeapEnds() throws Exception {
        run(Sweep.class, "10m");
    }

    @Test
    void everyCommandIsAnswered() throws Exception {
        run(Sender.class, "24m");
    }

    private static void run(Class<?> program, String heap) throws Exception {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx" + heap,
                                "-XX:-UseTLAB", // what is free is free for every thread
                                "-XX:+UseSerialGC",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                program.getName())
                        .redirectErrorStream(true)
                        .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        assertThat(said).endsWith("as it was\n");
    }

    /** A heap's worth of garbage that is none. */
    private record Hog(byte[] some, @Nullable Hog next) {}

    private static volatile @Nullable Hog hog;
    private static byte @Nullable [] spare;

    private static void fill(int room) {
        try {
            while (true) {
                hog = new Hog(new byte[room], hog);
            }
        } catch (OutOfMemoryError e) {
            // Full, but for less than that.
        }
    }

    /** Fills the heap but for some bytes. */
    private static void fillBut(int left) {
        spare = new byte[left];
        for (int room = 1 << 20; room > 0; room /= 2) {
            fill(room);
        }
        spare = null;
    }

    private static void check(boolean holds) {
        if (!holds) {
            throw new IllegalStateException("it does not hold");
        }
    }

    /** Sends commands, the shortest and one that takes a thread, where nothing is left at all. */
    static final class Sender {
        private Sender() {}

        public static void main(String[] arguments) {
            EmbeddedDriver driver = EmbeddedDriver.create();
            MemorySegment command = Arena.global().allocate(ControlCommandLayout.SIZE, 8);
            ControlCommandLayout.devId(command, 0, 5);
            Duration time = Duration.ofMinutes(4);
            int shortest = ControlCommand.UBLK_U_CMD_GET_DEV_INFO;
            int longer = ControlCommand.UBLK_U_CMD_STOP_DEV;
            check(driver.control(shortest, command, time) == Errno.ENODEV.negated());
            check(driver.control(longer, command, time) == Errno.ENODEV.negated());
            for (int room = 1 << 20; room > 0; room /= 2) {
                fill(room);
            }
            int one = driver.control(shortest, command, time);
            int two = driver.control(longer, command, time);
            hog = null;
            check(one == Errno.ENOMEM.negated() || one == Errno.ENODEV.negated());
            check(two == Errno.ENOMEM.negated());
            System.out.println("as it was");
        }
    }

    /** Registers a buffer and takes it back, where the heap ends a little later each time. */
    static final class Sweep {
        private static volatile boolean full;

        private Sweep() {}

        public static void main(String[] arguments) {
            Control control = new Control(EmbeddedDriver.create());
            int device =
                    control.add(DeviceInfo.request(-1, 1, 1, 4096, Feature.UBLK_F_SHMEM_ZC))
                            .deviceId();
            MemorySegment memory =
                    Mapping.anonymous(1 << 20, Mapping.MAP_SHARED, Arena.ofShared()).fill((byte) 1);
            Runnable register = () -> control.registerBuffer(device, memory, false);
            Runnable unregister = () -> control.unregisterBuffer(device, 0);
            check(isDone(register, Errno.ENOMEM) && isDone(unregister, Errno.ENOMEM));
            check(!isDone(unregister, Errno.ENOENT));
            Thread.ofPlatform().daemon().start(Sweep::makeRoom);
            for (int left = 768; left < 1280; left += 48) {
                fillBut(left);
                boolean done = isDone(register, Errno.ENOMEM);
                hog = null;
                if (done) {
                    control.unregisterBuffer(device, 0);
                }
                check(control.registerBuffer(device, memory, false) == 0);
                fillBut(left);
                full = true; // a removal that is under way waits for room
                done = isDone(unregister, Errno.ENOMEM);
                full = false;
                hog = null;
                if (!done) {
                    control.unregisterBuffer(device, 0);
                }
            }
            System.out.println("as it was");
        }

        private static void makeRoom() {
            while (true) {
                LockSupport.parkNanos(5_000_000);
                if (full) {
                    hog = null;
                }
            }
        }

        private static boolean isDone(Runnable command, Errno refusal) {
            try {
                command.run();
                return true;
            } catch (OutOfMemoryError e) {
                return false; // before the driver: after it nothing is allocated
            } catch (LinuxException e) {
                check(e.errno() == refusal);
                return false;
            }
        }
    }

    /** Registers buffers. */
    static final class Child {
        private Child() {}

        public static void main(String[] arguments) throws IOException {
            EmbeddedDriver driver = EmbeddedDriver.create();
            Control control = new Control(driver);
            int device =
                    control.add(DeviceInfo.request(-1, 1, 1, 4096, Feature.UBLK_F_SHMEM_ZC))
                            .deviceId();
            MemorySegment memory =
                    Mapping.anonymous(BYTES, Mapping.MAP_SHARED, Arena.ofShared()).fill((byte) 1);
            // Everything is loaded when it matters, what tells of a refusal included.
            check(control.registerBuffer(device, memory, false) == 0);
            try {
                control.registerBuffer(device, memory, false);
                check(false);
            } catch (LinuxException e) {
                check(e.errno() == Errno.EEXIST);
            }
            control.unregisterBuffer(device, 0);
            long before = descriptors();
            for (int room = 1 << 20; room >= 1 << 10; room /= 2) {
                fill(room);
                boolean refused = refuses(control, device, memory);
                hog = null;
                if (!refused) {
                    control.unregisterBuffer(device, 0);
                }
                // Neither its index is taken, nor any of its pages, nor a file to look them up in.
                check(descriptors() == before);
                check(control.registerBuffer(device, memory, false) == 0);
                control.unregisterBuffer(device, 0);
                // Nor is anything of it left that would make its index be given out twice.
                check(control.registerBuffer(device, memory.asSlice(BYTES / 2), false) == 0);
                check(control.registerBuffer(device, memory.asSlice(0, BYTES / 2), false) == 1);
                control.unregisterBuffer(device, 0);
                control.unregisterBuffer(device, 1);
            }
            check(locked() == 0);
            System.out.println("as it was");
        }

        private static boolean refuses(Control control, int device, MemorySegment memory) {
            try {
                control.registerBuffer(device, memory, false);
                return false;
            } catch (OutOfMemoryError e) {
                return true; // before the driver: after it nothing is allocated
            } catch (LinuxException e) {
                check(e.errno() == Errno.ENOMEM);
                return true;
            }
        }

        private static long descriptors() throws IOException {
            try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
                return open.count();
            }
        }

        /** {@return KiB that are pinned or locked, which the driver does nowhere} */
        private static long locked() throws IOException {
            return Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(line -> line.startsWith("VmPin:") || line.startsWith("VmLck:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                    .sum();
        }
    }
}
