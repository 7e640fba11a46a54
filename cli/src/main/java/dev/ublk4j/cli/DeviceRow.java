package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.RunFolders;
import dev.ublk4j.cli.serve.ServedDevice;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.Attr;
import dev.ublk4j.uapi.wire.DeviceParams;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * One device in a list.
 *
 * @param info what the driver says of it
 * @param basic its size and shape, null where they have not been set
 * @param served what its server says of it, null where that is not ublk4j
 */
record DeviceRow(
        DeviceInfo info, DeviceParams.@Nullable Basic basic, @Nullable ServedDevice served) {
    static final String[] HEADINGS = {
        "ID", "STATE", "QUEUES", "DEPTH", "SIZE", "BLOCK", "PID", "DEVICE", "TARGET"
    };

    private static final int SECTOR = 512;
    private static final String UNKNOWN = "-";

    /**
     * {@return a device, null when it has just been deleted}
     *
     * @param required whether to throw when there is no such device
     */
    static @Nullable DeviceRow readOrNull(
            Control control, RunFolders folders, int number, boolean required) {
        try {
            DeviceInfo info = control.info(number);
            DeviceParams.Basic basic = control.params(number).basic();
            ServedDevice served = folders.readOrNull(number);
            return new DeviceRow(info, basic, served);
        } catch (LinuxException e) {
            if (e.errno() == Errno.ENODEV && !required) {
                return null;
            }
            throw e;
        }
    }

    private String path() {
        return KernelDriver.blockPath(info.deviceId()).toString();
    }

    private boolean readOnly() {
        return basic != null && (basic.attrs() & Attr.UBLK_ATTR_READ_ONLY) != 0;
    }

    String[] cells() {
        return new String[] {
            Integer.toString(info.deviceId()),
            DeviceState.name(info.state()),
            Integer.toString(info.queues()),
            Integer.toString(info.queueDepth()),
            basic == null ? UNKNOWN : ByteSize.format(basic.devSectors() * SECTOR),
            basic == null ? UNKNOWN : Integer.toString(1 << basic.logicalBsShift()),
            info.serverPid() > 0 ? Integer.toString(info.serverPid()) : UNKNOWN,
            path(),
            served == null ? UNKNOWN : served.targetText()
        };
    }

    void write(JsonGenerator json) {
        json.writeStartObject();
        json.writeNumberProperty("id", info.deviceId());
        json.writeStringProperty("device", path());
        json.writeStringProperty("state", DeviceState.name(info.state()));
        json.writeNumberProperty("queues", info.queues());
        json.writeNumberProperty("depth", info.queueDepth());
        json.writeNumberProperty("max_io", info.maxIoBufBytes());
        if (basic != null) {
            json.writeNumberProperty("size", basic.devSectors() * SECTOR);
            json.writeNumberProperty("block_size", 1 << basic.logicalBsShift());
            json.writeBooleanProperty("read_only", readOnly());
        }
        json.writeNumberProperty("pid", info.serverPid());
        json.writeNumberProperty("owner_uid", info.ownerUid());
        json.writeArrayPropertyStart("features");
        for (Feature feature : info.features()) {
            json.writeString(feature.cName());
        }
        json.writeEndArray();
        if (served != null) {
            json.writeStringProperty("target", served.target());
            if (served.source() != null) {
                json.writeStringProperty("source", served.source());
            }
            if (served.composition() != null) {
                json.writeStringProperty("composition", served.composition());
            }
            json.writeStringProperty("since", served.since().toString());
            if (served.log() != null) {
                json.writeStringProperty("log", served.log());
            }
        }
        json.writeEndObject();
    }
}
