package dev.ublk4j.conformance.acceptance;

import dev.ublk4j.conformance.device.Handler;
import dev.ublk4j.conformance.device.QueueLoop;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.kernel.KernelDriver;

/**
 * A server that dies while it recovers a device, when it has fetched some of a queue's tags, and
 * not all: {@code kublk recover --die_during_fetch}, for {@code conformance/kublk}.
 */
final class HalfRecovery {
    /** What a shell makes of SIGKILL. */
    private static final int KILLED = 137;

    private HalfRecovery() {}

    /**
     * Begins to recover a device, and ends the process.
     *
     * @param arguments the number of the device
     */
    public static void main(String[] arguments) {
        int id = Integer.parseInt(arguments[0]);
        KernelDriver driver = KernelDriver.open();
        Control control = new Control(driver);
        control.startRecovery(id);
        CharDevice device = driver.open(id);
        QueueLoop queue = new QueueLoop(device, control.info(id), 0, Handler.holding(), _ -> null);
        queue.fetch(0);
        // What is done after this answer is done after the next call of the kernel.
        queue.onThread(() -> 0);
        queue.onThread(() -> 0);
        // Nothing is closed in order: the kernel finds a process that has gone.
        Runtime.getRuntime().halt(KILLED);
    }
}
