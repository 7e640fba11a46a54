package dev.ublk4j.conformance.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.device.QueueLoop;
import dev.ublk4j.conformance.fuzz.LifeSteps.OfDevice;
import dev.ublk4j.conformance.lane.ClientArea.Piece;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.embedded.ZoneChange;
import dev.ublk4j.uapi.wire.ZoneLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What an application asks of a disk with zones. */
final class ZoneSteps {
    private ZoneSteps() {}

    /** Something that is asked of an open disk whose requests are served. */
    interface OfDisk extends OfDevice {
        String run(Served some, ClientDisk disk);

        /** The same of a disk whose requests wait for another server. */
        default String keep(Served some, ClientDisk disk) {
            return "not while requests are kept";
        }

        @Override
        default String run(Served some) {
            ClientDisk disk = some.disk();
            if (disk == null || some.isBusy()) {
                return "no disk";
            }
            if (some.keepsRequests()) {
                return keep(some, disk);
            }
            some.queues().forEach(QueueLoop::forget);
            return run(some, disk);
        }
    }

    /** Asks for all zones, some more, or the last ones. */
    record Report(int device, int first, int count) implements OfDisk {
        @Override
        public String run(Served some, ClientDisk disk) {
            StringBuilder line = new StringBuilder();
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment zones = arena.allocate((long) count * ZoneLayout.SIZE, 8);
                long answer = disk.reportZones((long) first * Zones.SIZE, zones);
                line.append(answer);
                for (int i = 0; i < answer; i++) {
                    line.append(", ").append(described(zones, (long) i * ZoneLayout.SIZE));
                }
            }
            return line.toString();
        }

        private static String described(MemorySegment zones, long base) {
            return "%d+%d of %d type %d condition %x at %d"
                    .formatted(
                            ZoneLayout.start(zones, base),
                            ZoneLayout.capacity(zones, base),
                            ZoneLayout.len(zones, base),
                            ZoneLayout.type(zones, base),
                            ZoneLayout.cond(zones, base),
                            ZoneLayout.wp(zones, base));
        }
    }

    /**
     * {@code BLKOPENZONE} and its like.
     *
     * @param position bytes
     * @param length bytes
     */
    record Change(int device, ZoneChange change, long position, long length) implements OfDisk {
        @Override
        public String run(Served some, ClientDisk disk) {
            return disk.changeZones(change, position, length) + RequestSteps.seen(some.queues());
        }
    }

    /**
     * {@return the byte of the disk where a zone is written next, or a negative errno} Linux fails
     * the writes that follow a failed one until it has been asked for the zone.
     */
    private static long writePointer(ClientDisk disk, int zone) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment one = arena.allocate(ZoneLayout.SIZE, 8);
            long answer = disk.reportZones((long) zone * Zones.SIZE, one);
            return answer == 1 ? ZoneLayout.wp(one, 0) << 9 : Math.min(answer, -1);
        }
    }

    /**
     * A write at the write pointer of a zone.
     *
     * @param shift bytes, where it is not to be at the write pointer
     * @param data as much of it as the zone has room for
     */
    record Write(int device, int zone, long shift, RequestSteps.Part data, boolean durable)
            implements OfDisk {
        @Override
        public String run(Served some, ClientDisk disk) {
            long pointer = writePointer(disk, zone);
            if (pointer < 0) {
                return "no write pointer: " + pointer;
            }
            some.queues().forEach(QueueLoop::forget);
            long start = (long) zone * Zones.SIZE;
            long last = start + Zones.SIZE - World.PAGE;
            long done = disk.run(io(some, Math.clamp(pointer + shift, start, last)));
            // What the driver refuses itself need not come to the server.
            return done + (done < 0 ? "" : RequestSteps.seen(some.queues()));
        }

        @Override
        public String keep(Served some, ClientDisk disk) {
            Io io = io(some, some.zones().writePointer(zone));
            if (io.length() > World.PAGE) {
                return "not while requests are kept";
            }
            some.keep(disk, io);
            return "kept";
        }

        /** Ends with the zone, as Linux fails what comes behind the failed beginning of a write. */
        private Io io(Served some, long position) {
            long room = Zones.SIZE - position % Zones.SIZE;
            RequestSteps.Part part =
                    new RequestSteps.Part(data.offset(), Math.min(data.length(), room));
            Piece piece = part.in(some.world());
            return durable ? Io.durableWrite(position, piece) : Io.write(position, piece);
        }
    }

    /** A zone append, which lies where the write pointer was. */
    record Append(int device, int zone, int bytes, byte value) implements OfDisk {
        @Override
        public String run(Served some, ClientDisk disk) {
            long pointer = writePointer(disk, zone);
            try (Arena arena = Arena.ofShared()) {
                MemorySegment data = arena.allocate(bytes, World.PAGE).fill(value);
                long at = disk.append(data, (long) zone * Zones.SIZE);
                if (at >= 0) {
                    assertThat(at).as("the write pointer").isEqualTo(pointer);
                    MemorySegment there = some.backend().disk().asSlice(at, bytes);
                    assertThat(there.mismatch(data)).as("data of the append").isEqualTo(-1);
                }
                return at + RequestSteps.seen(some.queues());
            }
        }
    }
}
