package dev.ublk4j.testkit.fault;

import dev.ublk4j.driver.DataCounters;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.ControlCommand;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * One server's way to a driver, with faults on it.
 *
 * <p>It stands for the server's process: {@link #kill} ends every queue that was opened through it,
 * and no command gets through any more. The next server gets a faulty driver of its own.
 */
public final class FaultyDriver implements Driver {
    private final Driver driver;
    private final Faults faults;
    private final List<FaultyQueueRing> rings = new CopyOnWriteArrayList<>();
    private volatile boolean dead;

    /**
     * Puts faults before a driver.
     *
     * @param driver stays the caller's
     * @param faults may be changed at any time
     */
    public FaultyDriver(Driver driver, Faults faults) {
        this.driver = driver;
        this.faults = faults;
    }

    @Override
    public String name() {
        return driver.name();
    }

    /** A dead server's commands do nothing, and nobody is there to hear so. */
    @Override
    public int control(int commandOp, MemorySegment command, Duration timeout) {
        if (dead) {
            return 0;
        }
        HeldCommand held = faults.takeHeld(ControlCommand.of(commandOp));
        if (held != null) {
            return held.send(driver, commandOp, command);
        }
        Errno refusal = faults.refusal(ControlCommand.of(commandOp));
        return refusal != null ? refusal.negated() : driver.control(commandOp, command, timeout);
    }

    @Override
    public CharDevice open(int deviceId) {
        return new FaultyCharDevice(this, driver.open(deviceId));
    }

    @Override
    public Optional<DataCounters> dataCounters(int deviceId) {
        return driver.dataCounters(deviceId);
    }

    /**
     * Has the server die where it stands: its queues end without another answer, and its commands
     * no longer reach the driver. The queues' threads close what they hold shortly after.
     */
    public void kill() {
        dead = true;
        rings.forEach(FaultyQueueRing::wake);
    }

    /** {@return whether the server has been killed} */
    public boolean isDead() {
        return dead;
    }

    Faults faults() {
        return faults;
    }

    void add(FaultyQueueRing ring) {
        rings.add(ring);
    }

    void remove(FaultyQueueRing ring) {
        rings.remove(ring);
    }

    /** Does nothing: the driver behind is somebody else's. */
    @Override
    public void close() {}

    @Override
    public String toString() {
        return driver + (dead ? ", server killed" : "") + ", faults: " + faults;
    }
}
