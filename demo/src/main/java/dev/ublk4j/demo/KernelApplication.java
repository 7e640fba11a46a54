package dev.ublk4j.demo;

import dev.ublk4j.client.DirectDevice;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uring.CompletionHandler;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** An application of the kernel's driver: it has the block device open. */
final class KernelApplication implements Application, CompletionHandler {
    private final DirectDevice device;
    private final MemorySegment memory;

    KernelApplication(Path path, MemorySegment memory, int depth) {
        this.device = DirectDevice.open(path, depth);
        this.memory = memory;
    }

    @Override
    public void submit(boolean write, long offset, int length, long position) {
        long address = memory.asSlice(offset, length).address();
        if (write) {
            device.write(address, length, position, length);
        } else {
            device.read(address, length, position, length);
        }
    }

    @Override
    public void await(int count) {
        int ended = 0;
        while (ended < count) {
            ended += device.run(1, this);
        }
    }

    /** The user data of a request is its length. */
    @Override
    public void onCompletion(long userData, int result, int flags) {
        LinuxException.check("direct I/O", device.toString(), result);
        if (result != userData) {
            throw new IllegalStateException(
                    "%s: %d of %d bytes".formatted(device, result, userData));
        }
    }

    @Override
    public void close() {
        device.close();
    }
}
