package dev.ublk4j.conformance.fuzz;

import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.wire.ShmemBufRegLayout;
import java.lang.foreign.MemorySegment;

/** REG_BUF and UNREG_BUF. */
final class BufferSteps {
    private BufferSteps() {}

    /** Where the buffer is said to be. */
    enum Address {
        MEMORY,
        UNALIGNED,
        LOW,
        HIGH,
        WRAPPING;

        long of(World world, long offset) {
            return switch (this) {
                case MEMORY -> world.server().address() + offset;
                case UNALIGNED -> world.server().address() + offset + 512;
                case LOW -> World.PAGE;
                case HIGH -> 0xffff_8000_0000_0000L;
                case WRAPPING -> -World.PAGE;
            };
        }
    }

    /**
     * REG_BUF.
     *
     * @param offset bytes from the start of the shared memory
     * @param length bytes
     * @param payloadLength what the header says
     */
    record Register(
            int device,
            Address address,
            long offset,
            long length,
            int flags,
            int reserved,
            int payloadLength,
            Place place)
            implements Step {
        @Override
        public String run(World world) {
            if (!world.frames().registersBuffers()) {
                return "left out";
            }
            MemorySegment payload = world.payload();
            ShmemBufRegLayout.write(payload, 0, address.of(world, offset), length, flags);
            ShmemBufRegLayout.reserved(payload, 0, reserved);
            Served some = world.device(device);
            if (some == null) {
                return "" + send(world, payload);
            }
            if (some.keepsRequests() && some.isBusy()) {
                return "would wait";
            }
            return some.patiently(
                    () -> send(world, payload), answer -> remember(some, world, answer));
        }

        private int send(World world, MemorySegment payload) {
            return world.send(
                    ControlCommand.REG_BUF, device, payloadLength, place.address(payload));
        }

        private int remember(Served some, World world, int answer) {
            if (answer >= 0) {
                some.device().remember(answer, world.server().asSlice(offset, length));
            }
            return answer;
        }
    }

    /** UNREG_BUF. */
    record Unregister(int device, long index) implements Step {
        @Override
        public String run(World world) {
            Served some = world.device(device);
            if (some != null && some.keepsRequests() && some.isBusy()) {
                return "would wait";
            }
            return some == null
                    ? "" + world.send(ControlCommand.UNREG_BUF, device, index)
                    : some.patiently(() -> world.send(ControlCommand.UNREG_BUF, device, index));
        }
    }
}
