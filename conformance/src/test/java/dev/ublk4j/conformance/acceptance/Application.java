package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.client.DirectDevice;
import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.kernel.KernelDriver;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** An application that writes and reads in its own memory, and checks every byte. */
final class Application implements Runnable {
    private static final int BLOCK = 16 * 1024;
    private static final int BLOCKS = 16;

    /** Bytes of its memory: half to write from, half to read into. */
    static final long BYTES = 2L * BLOCKS * BLOCK;

    final AtomicInteger rounds = new AtomicInteger();
    final AtomicBoolean stop = new AtomicBoolean();
    final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final int id;
    private final MemorySegment memory;

    Application(int id, MemorySegment memory) {
        this.id = id;
        this.memory = memory;
    }

    @Override
    public void run() {
        try (DirectDevice device = DirectDevice.open(KernelDriver.blockPath(id), BLOCKS)) {
            while (!stop.get()) {
                round(device, rounds.get() + 1);
                rounds.incrementAndGet();
            }
        } catch (Throwable e) {
            failure.set(e);
        }
    }

    private void round(DirectDevice device, int mark) {
        for (int block = 0; block < BLOCKS; block++) {
            MemorySegment data = memory.asSlice((long) block * BLOCK, BLOCK);
            for (int at = 0; at < BLOCK; at += Integer.BYTES) {
                data.set(ValueLayout.JAVA_INT, at, mark * 31 + block * 7 + at);
            }
            device.write(data.address(), BLOCK, (long) block * BLOCK, block);
        }
        await(device);
        for (int block = 0; block < BLOCKS; block++) {
            MemorySegment data =
                    memory.asSlice((long) (BLOCKS + block) * BLOCK, BLOCK).fill((byte) 0);
            device.read(data.address(), BLOCK, (long) block * BLOCK, block);
        }
        await(device);
        long half = (long) BLOCKS * BLOCK;
        assertThat(memory.asSlice(0, half).mismatch(memory.asSlice(half, half)))
                .as("round %d", mark)
                .isEqualTo(-1);
    }

    private void await(DirectDevice device) {
        AtomicInteger left = new AtomicInteger(BLOCKS);
        while (left.get() > 0) {
            device.run(
                    1,
                    (userData, result, flags) -> {
                        assertThat(result).isEqualTo(BLOCK);
                        left.decrementAndGet();
                    });
        }
    }

    void awaitRounds(int more) {
        int target = rounds.get() + more;
        Pause.until(more + " rounds", () -> rounds.get() >= target || failure.get() != null);
        assertThat(failure).hasNullValue();
    }
}
