package dev.ublk4j.conformance.fuzz;

import dev.ublk4j.conformance.device.RawControl;
import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A driver, the memory that applications share with it, and the devices that steps work on. */
final class World implements AutoCloseable {
    static final int PAGE = 4096;
    static final int PAGES = 64;
    static final int DEVICES = 3;
    static final int DISK_BYTES = 1 << 20;

    /** A command without a queue, a payload or an inline argument. */
    static final int NOTHING = 0;

    private static final int PAYLOAD_BYTES = 2 * PAGE;

    private final Lane lane;
    private final RawControl raw;
    private final MemorySegment server;
    private final ClientArea client;
    private final long comparedFeatures;
    private final Frames frames;
    private boolean impatient;
    private final Arena payloads = Arena.ofShared();
    private final @Nullable Served[] devices = new @Nullable Served[DEVICES];

    /**
     * Makes a world without devices.
     *
     * @param server the memory as the server has mapped it
     * @param client the memory as applications of this lane have mapped it
     * @param comparedFeatures bits of both drivers
     * @param frames how those of the memory lie
     */
    World(
            Lane lane,
            MemorySegment server,
            ClientArea client,
            long comparedFeatures,
            Frames frames) {
        this.lane = lane;
        this.raw = new RawControl(lane.driver());
        this.server = server;
        this.client = client;
        this.comparedFeatures = comparedFeatures;
        this.frames = frames;
    }

    Lane lane() {
        return lane;
    }

    /** Whether senders of commands that wait for requests give up before those are answered. */
    boolean isImpatient() {
        return impatient;
    }

    void impatient(boolean now) {
        impatient = now;
    }

    RawControl raw() {
        return raw;
    }

    MemorySegment server() {
        return server;
    }

    ClientArea client() {
        return client;
    }

    long comparedFeatures() {
        return comparedFeatures;
    }

    Frames frames() {
        return frames;
    }

    /**
     * {@return zeroed memory for the payload of one command}
     *
     * <p>It is there for as long as the world: a driver is given the address alone, which does not
     * keep memory from being collected.
     */
    MemorySegment payload() {
        return payloads.allocate(PAYLOAD_BYTES, 8);
    }

    /** {@return integrity metadata for a device} */
    Metadata metadata() {
        return new Metadata(payloads);
    }

    int send(ControlCommand command, int device, long argument) {
        return raw.send(command, device, argument);
    }

    int send(ControlCommand command, int device, int length, long address) {
        return raw.send(command.op(), device, ControlCommandLayout.NO_QUEUE, length, address, 0);
    }

    /** {@return the device of a number, or null} */
    @Nullable Served device(int number) {
        return number >= 0 && number < DEVICES ? devices[number] : null;
    }

    void put(int number, @Nullable Served device) {
        if (number < DEVICES) {
            devices[number] = device;
        }
    }

    /** {@return what a step says came of it; an exception with an errno is an answer too} */
    String run(Step step) {
        try {
            return step.run(this);
        } catch (LinuxException e) {
            return "refused: " + Errno.of(e.number());
        }
    }

    /** Deletes every device and looks whether all is in order with it. */
    @Override
    public void close() {
        for (Served device : devices) {
            if (device != null) {
                var _ = device.delete(ControlCommand.DEL_DEV);
            }
        }
        payloads.close();
    }
}
