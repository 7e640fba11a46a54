package dev.ublk4j.embedded;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.wire.CtrlCmd;
import dev.ublk4j.uapi.wire.DevInfo;
import dev.ublk4j.uapi.wire.ParamBasic;
import dev.ublk4j.uapi.wire.ParamType;
import dev.ublk4j.uapi.wire.Params;
import dev.ublk4j.uapi.wire.ShmemBufReg;
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
        MemorySegment command = Arena.ofAuto().allocate(CtrlCmd.SIZE, 8);
        CtrlCmd.devId(command, 0, deviceId);
        CtrlCmd.queueId(command, 0, queue);
        CtrlCmd.addr(command, 0, address);
        CtrlCmd.len(command, 0, length);
        CtrlCmd.data(command, 0, data);
        CtrlCmd.devPathLen(command, 0, pathLength);
        return driver.control(op, command, timeout);
    }

    int simple(int op, int deviceId, long data) {
        return send(op, deviceId, CtrlCmd.NO_QUEUE, 0, 0, data, 0);
    }

    /** A device description with a payload to change before it is sent. */
    static MemorySegment info(int id, int queues, int depth, long flags) {
        MemorySegment info = Arena.ofAuto().allocate(DevInfo.SIZE, 8);
        DevInfo.devId(info, 0, id);
        DevInfo.nrHwQueues(info, 0, queues);
        DevInfo.queueDepth(info, 0, depth);
        DevInfo.flags(info, 0, flags);
        DevInfo.maxIoBufBytes(info, 0, 1 << 20);
        return info;
    }

    int add(MemorySegment info) {
        int id = DevInfo.devId(info, 0);
        return send(ControlCommand.UBLK_U_CMD_ADD_DEV, id, CtrlCmd.NO_QUEUE, info, 0);
    }

    /** Adds a device and returns its number, or the negative errno. */
    int add(int queues, int depth, long flags) {
        MemorySegment info = info(-1, queues, depth, flags);
        int answer = add(info);
        return answer < 0 ? answer : DevInfo.devId(info, 0);
    }

    static MemorySegment params(long bytes) {
        MemorySegment params = Arena.ofAuto().allocate(Params.SIZE, 8);
        Params.len(params, 0, Params.SIZE);
        Params.types(params, 0, ParamType.UBLK_PARAM_TYPE_BASIC);
        ParamBasic.logicalBsShift(params, Params.BASIC, 9);
        ParamBasic.physicalBsShift(params, Params.BASIC, 12);
        ParamBasic.ioMinShift(params, Params.BASIC, 9);
        ParamBasic.ioOptShift(params, Params.BASIC, 12);
        ParamBasic.maxSectors(params, Params.BASIC, (1 << 20) >> 9);
        ParamBasic.devSectors(params, Params.BASIC, bytes >> 9);
        return params;
    }

    int setParams(int id, MemorySegment params) {
        return send(ControlCommand.UBLK_U_CMD_SET_PARAMS, id, CtrlCmd.NO_QUEUE, params, 0);
    }

    int getParams(int id, MemorySegment params) {
        return send(ControlCommand.UBLK_U_CMD_GET_PARAMS, id, CtrlCmd.NO_QUEUE, params, 0);
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
        MemorySegment info = Arena.ofAuto().allocate(DevInfo.SIZE, 8);
        int op = ControlCommand.UBLK_U_CMD_GET_DEV_INFO;
        int answer = send(op, id, CtrlCmd.NO_QUEUE, info, 0);
        if (answer < 0) {
            throw new AssertionError("GET_DEV_INFO: " + answer);
        }
        return info;
    }

    int state(int id) {
        return DevInfo.state(describe(id), 0);
    }

    int register(int id, long address, long length, int flags) {
        MemorySegment buffer = Arena.ofAuto().allocate(ShmemBufReg.SIZE, 8);
        ShmemBufReg.write(buffer, 0, address, length, flags);
        int op = ControlCommand.UBLK_U_CMD_REG_BUF;
        return send(op, id, CtrlCmd.NO_QUEUE, buffer, 0);
    }

    int unregister(int id, int index) {
        return simple(ControlCommand.UBLK_U_CMD_UNREG_BUF, id, index);
    }

    long features() {
        MemorySegment features = Arena.ofAuto().allocate(8, 8);
        int op = ControlCommand.UBLK_U_CMD_GET_FEATURES;
        int answer = send(op, 0, CtrlCmd.NO_QUEUE, features, 0);
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
