package dev.ublk4j.conformance.fuzz;

import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.DeviceParams.Devt;
import dev.ublk4j.uapi.wire.ParamsLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** Control commands that tell something, set parameters, or are nonsense. */
final class ControlSteps {
    private ControlSteps() {}

    /** Any operation, with an argument and no payload. */
    record Bare(int op, int device, long argument) implements Step {
        @Override
        public String run(World world) {
            return "" + world.raw().send(op, device, ControlCommandLayout.NO_QUEUE, 0, 0, argument);
        }
    }

    /** GET_FEATURES. */
    record Features(int length, Place place) implements Step {
        @Override
        public String run(World world) {
            MemorySegment payload = world.payload();
            int answer =
                    world.send(ControlCommand.GET_FEATURES, -1, length, place.address(payload));
            long bits = payload.get(ValueLayout.JAVA_LONG, 0);
            return "%d %x".formatted(answer, bits & world.comparedFeatures());
        }
    }

    /**
     * GET_DEV_INFO, or GET_DEV_INFO2 with a path.
     *
     * @param path before the structure, without its final 0; empty for none
     */
    record Info(int device, String path, int length, Place place) implements Step {
        @Override
        public String run(World world) {
            MemorySegment payload = world.payload();
            byte[] text = path.isEmpty() ? new byte[0] : zeroTerminated(path);
            MemorySegment.copy(text, 0, payload, ValueLayout.JAVA_BYTE, 0, text.length);
            int answer =
                    world.raw()
                            .send(
                                    path.isEmpty()
                                            ? ControlCommand.UBLK_U_CMD_GET_DEV_INFO
                                            : ControlCommand.UBLK_U_CMD_GET_DEV_INFO2,
                                    device,
                                    ControlCommandLayout.NO_QUEUE,
                                    text.length + length,
                                    place.address(payload),
                                    0,
                                    text.length);
            if (answer < 0) {
                return "" + answer;
            }
            MemorySegment info = world.payload().copyFrom(payload.asSlice(text.length, 512));
            return answer + " " + described(DeviceInfoLayout.read(info), world);
        }

        private static byte[] zeroTerminated(String path) {
            return (path + '\0').getBytes(StandardCharsets.UTF_8);
        }
    }

    /** {@return what both drivers should say of a device} */
    static String described(DeviceInfo info, World world) {
        return "queues %d depth %d state %d descriptor %d max %d id %d pid %b flags %x, %x owner %d:%d"
                .formatted(
                        info.queues(),
                        info.queueDepth(),
                        info.state(),
                        info.ioDescSize(),
                        info.maxIoBufBytes(),
                        info.deviceId(),
                        info.serverPid() == Served.pid(),
                        info.flags() & world.comparedFeatures(),
                        info.serverFlags(),
                        info.ownerUid(),
                        info.ownerGid());
    }

    /** GET_QUEUE_AFFINITY; which processors a queue has is up to the machine. */
    record Affinity(int device, long queue, int length, Place place) implements Step {
        @Override
        public String run(World world) {
            int op = ControlCommand.UBLK_U_CMD_GET_QUEUE_AFFINITY;
            long address = place.address(world.payload());
            return ""
                    + world.raw()
                            .send(
                                    op,
                                    device,
                                    ControlCommandLayout.NO_QUEUE,
                                    length,
                                    address,
                                    queue);
        }
    }

    /**
     * SET_PARAMS.
     *
     * @param types instead of those of the parameters; 0 for those
     * @param structLength what the structure says it is long
     * @param length what the header says
     */
    record SetParams(
            int device, DeviceParams params, int types, int structLength, int length, Place place)
            implements Step {
        /** Parameters as a sane server sets them. */
        static SetParams plain(int device, DeviceParams params) {
            return new SetParams(
                    device, params, 0, ParamsLayout.SIZE, ParamsLayout.SIZE, Place.THERE);
        }

        @Override
        public String run(World world) {
            MemorySegment payload = world.payload();
            (world.frames().limitsSegments() ? params : withoutSegment()).write(payload, 0);
            ParamsLayout.len(payload, 0, structLength);
            if (types != 0) {
                ParamsLayout.types(payload, 0, types);
            }
            return ""
                    + world.send(ControlCommand.SET_PARAMS, device, length, place.address(payload));
        }

        private DeviceParams withoutSegment() {
            return new DeviceParams(
                    params.basic(),
                    params.discard(),
                    params.devt(),
                    params.zoned(),
                    params.dmaAlign(),
                    null,
                    params.integrity());
        }
    }

    /** GET_PARAMS; device numbers are each driver's own. */
    record GetParams(int device, int structLength, int length, Place place) implements Step {
        @Override
        public String run(World world) {
            MemorySegment payload = world.payload();
            ParamsLayout.len(payload, 0, structLength);
            int answer =
                    world.send(ControlCommand.GET_PARAMS, device, length, place.address(payload));
            if (answer < 0 || place != Place.THERE) {
                return "" + answer;
            }
            DeviceParams params = DeviceParams.read(payload, 0);
            if (params.devt() != null) {
                params = params.with(new Devt(0, 0, 0, 0));
            }
            return "%d %s, length %d".formatted(answer, params, ParamsLayout.len(payload, 0));
        }
    }
}
