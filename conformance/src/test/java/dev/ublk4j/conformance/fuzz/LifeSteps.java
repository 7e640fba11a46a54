package dev.ublk4j.conformance.fuzz;

import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import java.lang.foreign.MemorySegment;

/** What makes, starts, stops, recovers and deletes devices, and what their servers do. */
final class LifeSteps {
    private LifeSteps() {}

    /**
     * ADD_DEV.
     *
     * @param headerId the number that the header says
     * @param headerQueue the queue that the header says
     * @param info the structure
     */
    record Add(int headerId, int headerQueue, DeviceInfo info, int length, Place place)
            implements Step {
        /** A sane request for a number. */
        static Add plain(int id, DeviceInfo info) {
            return new Add(
                    id, ControlCommandLayout.NO_QUEUE, info, DeviceInfoLayout.SIZE, Place.THERE);
        }

        @Override
        public String run(World world) {
            int answer = send(world, world.payload());
            boolean wasFreed = world.device(headerId) == null && headerId < World.DEVICES;
            if (answer == Errno.EEXIST.negated() && wasFreed) {
                // A device that was deleted without waiting is gone a moment later.
                Pause.until(
                        "number %d is free".formatted(headerId),
                        () -> send(world, world.payload()) != Errno.EEXIST.negated());
                return "added, at last";
            }
            return answer < 0 ? "" + answer : "added";
        }

        private int send(World world, MemorySegment payload) {
            DeviceInfoLayout.write(payload, 0, info);
            int answer =
                    world.raw()
                            .send(
                                    ControlCommand.UBLK_U_CMD_ADD_DEV,
                                    headerId,
                                    headerQueue,
                                    length,
                                    place.address(payload),
                                    0);
            if (answer >= 0) {
                adopt(world, DeviceInfoLayout.read(payload));
            }
            return answer;
        }

        private static void adopt(World world, DeviceInfo made) {
            int id = made.deviceId();
            Shape shape = Shape.plain();
            Served device = new Served(world, shape, made);
            if (id < World.DEVICES) {
                world.put(id, device);
            } else {
                var _ = device.delete(ControlCommand.DEL_DEV);
            }
        }
    }

    /** Something that is done to a device that is there. */
    interface OfDevice extends Step {
        int device();

        String run(Served some);

        @Override
        default String run(World world) {
            Served some = world.device(device());
            return some == null ? "no device" : some + ": " + run(some);
        }
    }

    /** Opens the char device. */
    record Attach(int device) implements OfDevice {
        @Override
        public String run(Served some) {
            return some.attach();
        }
    }

    /** Fetches all tags. */
    record Fetch(int device) implements OfDevice {
        @Override
        public String run(Served some) {
            return some.fetch();
        }
    }

    /** The server goes away. */
    record Detach(int device) implements OfDevice {
        @Override
        public String run(Served some) {
            return some.detach();
        }
    }

    /** START_DEV or END_USER_RECOVERY. */
    record Start(int device, ControlCommand command, boolean rightPid, long wrongPid)
            implements OfDevice {
        @Override
        public String run(Served some) {
            return some.start(command, rightPid ? Served.pid() : wrongPid);
        }

        @Override
        public String toString() {
            return "%s %d %s".formatted(command, device, rightPid ? "right" : "" + wrongPid);
        }
    }

    /** Everything from parameters to START_DEV, or from the new server to END_USER_RECOVERY. */
    record Serve(int device, ControlCommand command) implements OfDevice {
        @Override
        public String run(Served some) {
            return "%s, %s, %s".formatted(some.attach(), some.fetch(), end(some));
        }

        private String end(Served some) {
            return some.start(command, Served.pid());
        }
    }

    /** STOP_DEV or TRY_STOP_DEV. */
    record Stop(int device, ControlCommand command) implements OfDevice {
        @Override
        public String run(Served some) {
            return some.isDeleted() ? "deleted" : some.stop(command);
        }
    }

    /** QUIESCE_DEV. */
    record Quiesce(int device, long patience) implements OfDevice {
        @Override
        public String run(Served some) {
            return some.isDeleted() ? "deleted" : some.quiesce(patience);
        }
    }

    /** DEL_DEV or DEL_DEV_ASYNC. */
    record Delete(int device, ControlCommand command) implements OfDevice {
        @Override
        public String run(Served some) {
            return some.delete(command);
        }
    }

    /** An application opens the disk. */
    record OpenDisk(int device) implements OfDevice {
        @Override
        public String run(Served some) {
            return some.openDisk();
        }
    }

    /** The application closes it. */
    record CloseDisk(int device) implements OfDevice {
        @Override
        public String run(Served some) {
            return "disk" + some.closeDisk();
        }
    }
}
