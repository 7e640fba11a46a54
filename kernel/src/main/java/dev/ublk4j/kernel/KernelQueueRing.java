package dev.ublk4j.kernel;

import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.driver.spi.TagBuffers;
import dev.ublk4j.driver.spi.Wakeup;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.uapi.wire.AutoBufRegLayout;
import dev.ublk4j.uapi.wire.BatchIoLayout;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.IoCommandLayout;
import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.FileSlots;
import dev.ublk4j.uring.IoUring;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;

/** An io_uring over which io commands go to the kernel as {@code IORING_OP_URING_CMD}. */
final class KernelQueueRing implements QueueRing, CompletionHandler {
    private final Ring ring;
    private final FileSlots files;

    /** What entries name the char device by: its slot among the files, or its descriptor. */
    private final int charDevice;

    private final int charDeviceFlags;
    private final Wakeup wakeup;

    private int groups;
    private CompletionHandler handler = (userData, result, flags) -> {};
    private int handedOver;

    KernelQueueRing(Fd charDevice, RingOptions options) {
        this.ring = Ring.open(options);
        try {
            // A slot more than targets may use.
            files = new FileSlots(ring, FILES + 1);
            int slot = files.add(charDevice.number());
            this.charDevice = slot < 0 ? charDevice.number() : slot;
            charDeviceFlags = slot < 0 ? 0 : IoUring.IOSQE_FIXED_FILE;
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
    public FileSlots files() {
        return files;
    }

    /** Prepares a command, whose area is at the offset that it returns. */
    private long prepare(int commandOp, long userData) {
        long area = ring.uringCommand(charDevice, commandOp, userData);
        ring.setSqeFlags(charDeviceFlags);
        return area;
    }

    @Override
    public void command(
            int commandOp, int queueId, int tag, int result, long address, long userData) {
        long area = prepare(commandOp, userData);
        IoCommandLayout.write(ring.sqes(), area, queueId, tag, result, address);
    }

    @Override
    public void commandWithSlot(
            int commandOp,
            int queueId,
            int tag,
            int result,
            int slot,
            int slotFlags,
            long userData) {
        command(commandOp, queueId, tag, result, 0, userData);
        ring.setAddress(AutoBufRegLayout.sqeAddress(slot, slotFlags));
    }

    @Override
    public void batch(
            int commandOp, int queueId, int flags, int count, long elements, long userData) {
        long area = prepare(commandOp, userData);
        BatchIoLayout.write(ring.sqes(), area, queueId, flags, count);
        ring.setAddress(elements);
    }

    @Override
    public void fetchBatch(int queueId, TagBuffers buffers, long userData) {
        long area = prepare(IoCommand.UBLK_U_IO_FETCH_IO_CMDS, userData);
        BatchIoLayout.write(ring.sqes(), area, queueId, 0, 0);
        BatchIoLayout.elemBytes(ring.sqes(), area, Short.BYTES);
        ring.setOperationFlags(IoUring.IORING_URING_CMD_MULTISHOT);
        ring.selectBuffer(((KernelTagBuffers) buffers).group());
    }

    @Override
    public TagBuffers openTagBuffers(int count, int tags) {
        return new KernelTagBuffers(ring, groups++, count, tags);
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
        try {
            // Now, for the kernel takes a ring's files down later than the ring is closed.
            if (charDeviceFlags != 0) {
                files.remove(charDevice);
            }
        } finally {
            ring.close();
            wakeup.close();
        }
    }

    @Override
    public String toString() {
        return ring.toString();
    }
}
