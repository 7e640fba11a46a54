package dev.ublk4j.embedded;

import dev.ublk4j.uapi.DeviceState;
import java.util.concurrent.locks.LockSupport;

/** What becomes of a device and its requests when its server has closed the char device. */
final class ServerExit {
    /*
     * Order:
     * ------
     * 1. Wait for copies of request data that other threads are in the middle of.
     * 2. Without the mutex, and before anything that could wait: end or put aside the requests that the
     *    server had. A STOP_DEV may be waiting for them while it holds the mutex.
     * 3. With the mutex: the device's next state. Without recovery the disk goes; every request that
     *    is still on its way to the server's closed rings ends by itself.
     * 4. Forget the server's commands: a next one can open the char device and fetch.
     */
    private static final long RECHECK_NANOS = 100_000;

    private ServerExit() {}

    /** Called when nothing of the server is left: no descriptor, no mapping, no ring. */
    static void of(Device device) {
        awaitCopies(device);
        if (device.disk() != null) {
            device.startCanceling();
            for (int id = 0; id < device.queues(); id++) {
                device.queue(id).abortServed();
            }
        }
        device.mutex().lock();
        try {
            if (device.disk() != null) {
                moveOn(device);
            }
            device.forgetServer();
        } finally {
            device.mutex().unlock();
        }
        device.closed();
        device.table().put(device);
    }

    private static void awaitCopies(Device device) {
        for (int id = 0; id < device.queues(); id++) {
            for (int tag = 0; tag < device.depth(); tag++) {
                while (!device.queue(id).slot(tag).closeReferences()) {
                    LockSupport.parkNanos(RECHECK_NANOS);
                }
            }
        }
    }

    private static void moveOn(Device device) {
        if (!device.description().isRecoverable()) {
            for (int id = 0; id < device.queues(); id++) {
                device.queue(id).abortAll();
            }
            boolean _ = DeviceLife.stopLocked(device, OwnQueues.none());
        } else if (device.description().holdsRequests()) {
            device.state(DeviceState.UBLK_S_DEV_QUIESCED);
        } else {
            device.state(DeviceState.UBLK_S_DEV_FAIL_IO);
            for (int id = 0; id < device.queues(); id++) {
                device.queue(id).fail();
            }
        }
    }
}
