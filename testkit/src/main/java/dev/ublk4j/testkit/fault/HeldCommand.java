package dev.ublk4j.testkit.fault;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A control command that has no answer before the test lets it have one. Its sender runs out of
 * patience at once: no test waits for a clock.
 */
public final class HeldCommand {
    private static final Duration FOREVER = Duration.ofDays(1);

    private final ControlCommand command;
    private final boolean beforeEffect;
    private final CountDownLatch sent = new CountDownLatch(1);
    private final CountDownLatch released = new CountDownLatch(1);
    private final CountDownLatch actedOn = new CountDownLatch(1);
    private final CompletableFuture<Integer> outcome = new CompletableFuture<>();

    HeldCommand(ControlCommand command, boolean beforeEffect) {
        this.command = command;
        this.beforeEffect = beforeEffect;
    }

    int send(Driver driver, int commandOp, MemorySegment header) {
        MemorySegment copy = Arena.ofAuto().allocate(ControlCommandLayout.LAYOUT);
        copy.copyFrom(header.asSlice(0, ControlCommandLayout.SIZE));
        Thread.ofPlatform()
                .daemon()
                .name("held-" + command)
                .start(() -> carryOut(driver, commandOp, copy));
        if (!beforeEffect) {
            // What the sender does without an answer comes after what the driver has done.
            awaitSent();
        }
        throw new ControlTimeoutException(
                command.cName(),
                "device " + ControlCommandLayout.devId(copy, 0),
                Duration.ZERO,
                outcome);
    }

    private void carryOut(Driver driver, int commandOp, MemorySegment header) {
        try {
            if (beforeEffect) {
                sent.countDown();
                released.await();
            }
            int answer = driver.control(commandOp, header, FOREVER);
            sent.countDown();
            released.await();
            // With it, whoever depends on it acts, here.
            outcome.complete(answer);
        } catch (Throwable e) {
            outcome.completeExceptionally(e);
        } finally {
            actedOn.countDown();
        }
    }

    /**
     * Waits until the command has been sent; one whose answer alone is held has been carried out.
     *
     * @throws AssertionError when it has not within 30 seconds
     */
    public void awaitSent() {
        await(sent, "has not been sent");
    }

    private void await(CountDownLatch latch, String otherwise) {
        try {
            if (!latch.await(Fault.PATIENCE.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new AssertionError(this + " " + otherwise);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    /** Lets the command have its outcome, from now on; does not wait for it. */
    public void release() {
        released.countDown();
    }

    /**
     * Lets the command have its outcome, and waits until its sender has acted on it.
     *
     * @return the driver's answer
     * @throws AssertionError when there is none within 30 seconds
     */
    public int awaitOutcome() {
        await(sent, "has not been sent");
        release();
        await(actedOn, "has no outcome");
        return outcome.join();
    }

    @Override
    public String toString() {
        return command + (beforeEffect ? " is held" : "'s answer is held");
    }
}
