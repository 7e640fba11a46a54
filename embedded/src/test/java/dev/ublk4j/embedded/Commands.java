package dev.ublk4j.embedded;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import dev.ublk4j.uapi.wire.ParamBasicLayout;
import dev.ublk4j.uapi.wire.ParamType;
import dev.ublk4j.uapi.wire.ParamsLayout;
import dev.ublk4j.uapi.wire.ShmemBufRegLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** Control commands in the driver's own terms, for tests that are about their answers. */
final class Commands {
    static final Duration PATIENCE = Duration.ofMinutes(4);
    static final int PID = (int) ProcessHandle.current().pid();

    private final Driver driver;

    Commands(Driver driver) {
        this.driver = driver;
    }

    int send(int op, int deviceId, int queue, MemorySegment payload, long data) {
        try {
            return send(op, deviceId, queue, payload.address(), (int) payload.byteSize(), data, 0);
        } finally {
            // The address alone does not keep the payload from being collected meanwhile.
            Reference.reachabilityFence(payload);
        }
    }

    int send(int op, int deviceId, int queue, long address, int length, long data, int pathLength) {
        return send(PATIENCE, op, deviceId, queue, address, length, data, pathLength);
    }

    int send(
            Duration timeout,
            int op,
            int deviceId,
            int queue,
            long address,
            int length,
            long data,
            int pathLength) {
        MemorySegment command = Arena.ofAuto().allocate(ControlCommandLayout.SIZE, 8);
        ControlCommandLayout.devId(command, 0, deviceId);
        ControlCommandLayout.queueId(command, 0, queue);
        ControlCommandLayout.addr(command, 0, address);
        ControlCommandLayout.len(command, 0, length);
        ControlCommandLayout.data(command, 0, data);
        ControlCommandLayout.devPathLen(command, 0, pathLength);
        return driver.control(op, command, timeout);
    }

    int simple(int op, int deviceId, long data) {
        return send(op, deviceId, ControlCommandLayout.NO_QUEUE, 0, 0, data, 0);
    }

    /** A device description with a payload to change before it is sent. */
    static MemorySegment info(int id, int queues, int depth, long flags) {
        MemorySegment info = Arena.ofAuto().allocate(DeviceInfoLayout.SIZE, 8);
        DeviceInfoLayout.devId(info, 0, id);
        DeviceInfoLayout.nrHwQueues(info, 0, queues);
        DeviceInfoLayout.queueDepth(info, 0, depth);
        DeviceInfoLayout.flags(info, 0, flags);
        DeviceInfoLayout.maxIoBufBytes(info, 0, 1 << 20);
        return info;
    }

    int add(MemorySegment info) {
        int id = DeviceInfoLayout.devId(info, 0);
        return send(ControlCommand.UBLK_U_CMD_ADD_DEV, id, ControlCommandLayout.NO_QUEUE, info, 0);
    }

    /** Adds a device and returns its number, or the negative errno. */
    int add(int queues, int depth, long flags) {
        MemorySegment info = info(-1, queues, depth, flags);
        int answer = add(info);
        return answer < 0 ? answer : DeviceInfoLayout.devId(info, 0);
    }

    static MemorySegment params(long bytes) {
        MemorySegment params = Arena.ofAuto().allocate(ParamsLayout.SIZE, 8);
        ParamsLayout.len(params, 0, ParamsLayout.SIZE);
        ParamsLayout.types(params, 0, ParamType.UBLK_PARAM_TYPE_BASIC);
        ParamBasicLayout.logicalBsShift(params, ParamsLayout.BASIC, 9);
        ParamBasicLayout.physicalBsShift(params, ParamsLayout.BASIC, 12);
        ParamBasicLayout.ioMinShift(params, ParamsLayout.BASIC, 9);
        ParamBasicLayout.ioOptShift(params, ParamsLayout.BASIC, 12);
        ParamBasicLayout.maxSectors(params, ParamsLayout.BASIC, (1 << 20) >> 9);
        ParamBasicLayout.devSectors(params, ParamsLayout.BASIC, bytes >> 9);
        return params;
    }

    int setParams(int id, MemorySegment params) {
        return send(
                ControlCommand.UBLK_U_CMD_SET_PARAMS, id, ControlCommandLayout.NO_QUEUE, params, 0);
    }

    int getParams(int id, MemorySegment params) {
        return send(
                ControlCommand.UBLK_U_CMD_GET_PARAMS, id, ControlCommandLayout.NO_QUEUE, params, 0);
    }

    int start(int id) {
        return simple(ControlCommand.UBLK_U_CMD_START_DEV, id, PID);
    }

    int stop(int id) {
        return simple(ControlCommand.UBLK_U_CMD_STOP_DEV, id, 0);
    }

    int delete(int id) {
        return simple(ControlCommand.UBLK_U_CMD_DEL_DEV, id, 0);
    }

    MemorySegment describe(int id) {
        MemorySegment info = Arena.ofAuto().allocate(DeviceInfoLayout.SIZE, 8);
        int op = ControlCommand.UBLK_U_CMD_GET_DEV_INFO;
        int answer = send(op, id, ControlCommandLayout.NO_QUEUE, info, 0);
        if (answer < 0) {
            throw new AssertionError("GET_DEV_INFO: " + answer);
        }
        return info;
    }

    int state(int id) {
        return DeviceInfoLayout.state(describe(id), 0);
    }

    int register(int id, long address, long length, int flags) {
        MemorySegment buffer = Arena.ofAuto().allocate(ShmemBufRegLayout.SIZE, 8);
        ShmemBufRegLayout.write(buffer, 0, address, length, flags);
        int op = ControlCommand.UBLK_U_CMD_REG_BUF;
        return send(op, id, ControlCommandLayout.NO_QUEUE, buffer, 0);
    }

    int unregister(int id, int index) {
        return simple(ControlCommand.UBLK_U_CMD_UNREG_BUF, id, index);
    }

    long features() {
        MemorySegment features = Arena.ofAuto().allocate(8, 8);
        int op = ControlCommand.UBLK_U_CMD_GET_FEATURES;
        int answer = send(op, 0, ControlCommandLayout.NO_QUEUE, features, 0);
        if (answer < 0) {
            throw new AssertionError("GET_FEATURES: " + answer);
        }
        return features.get(JAVA_LONG, 0);
    }

    /** A payload that begins with a path and its NUL. */
    static MemorySegment withPath(String path, MemorySegment payload) {
        byte[] bytes = (path + "\0").getBytes(StandardCharsets.UTF_8);
        MemorySegment all = Arena.ofAuto().allocate(bytes.length + payload.byteSize(), 8);
        all.copyFrom(MemorySegment.ofArray(bytes));
        all.asSlice(bytes.length).copyFrom(payload);
        return all;
    }
}
