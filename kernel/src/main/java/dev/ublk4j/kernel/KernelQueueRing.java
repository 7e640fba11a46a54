package dev.ublk4j.kernel;

import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.driver.spi.Wakeup;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.uapi.wire.AutoBufRegLayout;
import dev.ublk4j.uapi.wire.IoCommandLayout;
import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;

/** An io_uring over which io commands go to the kernel as {@code IORING_OP_URING_CMD}. */
final class KernelQueueRing implements QueueRing, CompletionHandler {
    private final int charDevice;
    private final Ring ring;
    private final Wakeup wakeup;

    private CompletionHandler handler = (userData, result, flags) -> {};
    private int handedOver;

    KernelQueueRing(Fd charDevice, RingOptions options) {
        this.charDevice = charDevice.number();
        this.ring = Ring.open(options);
        try {
            wakeup = new Wakeup();
        } catch (Throwable e) {
            ring.close(); // no descriptor is left, or no heap
            throw e;
        }
        wakeup.arm(ring);
    }

    @Override
    public Ring ring() {
        return ring;
    }

    @Override
    public void command(
            int commandOp, int queueId, int tag, int result, long address, long userData) {
        long area = ring.uringCommand(charDevice, commandOp, userData);
        IoCommandLayout.write(ring.sqes(), area, queueId, tag, result, address);
    }

    @Override
    public void commandWithSlot(
            int commandOp, int queueId, int tag, int result, int slot, long userData) {
        command(commandOp, queueId, tag, result, 0, userData);
        ring.setAddress(AutoBufRegLayout.sqeAddress(slot, 0));
    }

    @Override
    public int run(boolean wait, CompletionHandler onCompletion) {
        handler = onCompletion;
        handedOver = 0;
        // Also without anything to submit: with deferred task work, completions are made in this
        // call.
        ring.submitAndWait(wait ? 1 : 0);
        ring.drain(this);
        return handedOver;
    }

    /** Hands a completion over, or renews the wake-up that it ended. */
    @Override
    public void onCompletion(long userData, int result, int flags) {
        if (userData == WAKE) {
            wakeup.arm(ring);
        } else {
            handedOver++;
            handler.onCompletion(userData, result, flags);
        }
    }

    @Override
    public void wake() {
        wakeup.signal();
    }

    @Override
    public void close() {
        ring.close();
        wakeup.close();
    }

    @Override
    public String toString() {
        return ring.toString();
    }
}
