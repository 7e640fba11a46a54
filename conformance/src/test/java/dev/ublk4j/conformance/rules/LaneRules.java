package dev.ublk4j.conformance.rules;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.conformance.device.Handler;
import dev.ublk4j.conformance.device.RawControl;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.StandardProtocolFamily;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A chapter of rules: gives each one a lane, and checks that nothing is left behind. */
public abstract class LaneRules {
    static final int PAGE = 4096;
    static final int EINVAL = Errno.EINVAL.negated();
    static final int EFAULT = Errno.EFAULT.negated();
    static final int EBUSY = Errno.EBUSY.negated();
    static final int ENODEV = Errno.ENODEV.negated();
    static final int EEXIST = Errno.EEXIST.negated();
    static final int EIO = Errno.EIO.negated();
    static final int EOPNOTSUPP = Errno.EOPNOTSUPP.negated();

    static {
        // From its first channel on the JDK keeps a socket of its own, which no test is to count.
        try {
            ServerSocketChannel.open(StandardProtocolFamily.UNIX).close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static final Path OPEN_FILES = Path.of("/proc/self/fd");

    private final Supplier<? extends Lane> lanes;
    private @Nullable Lane lane;
    private long pinnedBefore;
    private List<String> filesBefore = List.of();

    protected LaneRules(Supplier<? extends Lane> lanes) {
        this.lanes = lanes;
    }

    @BeforeEach
    void openLane() {
        filesBefore = filesOfOurs();
        Lane opened = lanes.get();
        lane = opened;
        pinnedBefore = opened.pinnedBytes();
    }

    @AfterEach
    void nothingIsLeftBehind() {
        Lane opened = lane;
        if (opened != null) {
            Pause.until(
                    "every pin of the test is released",
                    () -> opened.pinnedBytes() <= pinnedBefore);
            opened.close();
            try {
                Pause.until(
                        "every file of the test is closed",
                        () -> filesOfOurs().size() <= filesBefore.size());
            } catch (AssertionError e) {
                throw new AssertionError(
                        "open are %s, where before there were %s"
                                .formatted(filesOfOurs(), filesBefore),
                        e);
            }
        }
    }

    Lane lane() {
        Lane opened = lane;
        if (opened == null) {
            throw new IllegalStateException("no test is running");
        }
        return opened;
    }

    /**
     * Skips a rule on a driver that is older than Linux 7.3, the first whose devices can choose the
     * size of their descriptors.
     */
    void since73() {
        assumeTrue(
                control().features().contains(Feature.IO_DESC_SIZE),
                "a rule of Linux 7.3 and later");
    }

    /**
     * {@return whether a server gets a request again for what it has not done of it, where the
     * driver copies nothing back} From Linux 7.3 on such a request is done as a whole.
     */
    boolean asksForTheRest() {
        return !control().features().contains(Feature.IO_DESC_SIZE);
    }

    RawControl raw() {
        return new RawControl(lane().driver());
    }

    Control control() {
        return new Control(lane().driver());
    }

    TestDevice added(Shape shape) {
        return TestDevice.added(lane(), shape);
    }

    TestDevice attached(Shape shape, Handler handler) {
        return TestDevice.attached(lane(), shape, handler);
    }

    TestDevice live(Shape shape, Handler handler) {
        return TestDevice.live(lane(), shape, handler);
    }

    /** {@return what something answers that waits, on a thread of its own} */
    static <T> CompletableFuture<T> meanwhile(Supplier<T> action) {
        return CompletableFuture.supplyAsync(
                action, task -> Thread.ofPlatform().daemon().name("meanwhile").start(task));
    }

    /** {@return memory that is page aligned and nobody else's} */
    static MemorySegment pages(Arena arena, long bytes) {
        return Mapping.anonymous(bytes, Mapping.MAP_PRIVATE, arena);
    }

    /** Fills memory with bytes that depend on where they are and on a seed. */
    static MemorySegment pattern(MemorySegment memory, int seed) {
        for (long at = 0; at < memory.byteSize(); at++) {
            memory.set(ValueLayout.JAVA_BYTE, at, (byte) (at * 31 + (at >>> 9) * 7 + seed));
        }
        return memory;
    }

    private static List<String> filesOfOurs() {
        List<String> ours = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(OPEN_FILES)) {
            for (Path file : files) {
                String target = targetOf(file);
                if (isOurs(target)) {
                    ours.add(target);
                }
            }
            return ours;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String targetOf(Path file) {
        try {
            return Files.readSymbolicLink(file).toString();
        } catch (IOException e) {
            return ""; // closed meanwhile, as the directory itself will be
        }
    }

    private static boolean isOurs(String target) {
        return target.startsWith("/dev/ublk")
                || target.contains("io_uring")
                || target.contains("eventfd")
                || target.contains("pidfd")
                || target.startsWith("socket:")
                || target.contains("memfd:");
    }
}
