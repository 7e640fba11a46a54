package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.RunFolders;
import dev.ublk4j.cli.serve.ServedDevice;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.IntegrityFormat;
import dev.ublk4j.server.Mode;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.Sectors;
import dev.ublk4j.uapi.wire.Attr;
import dev.ublk4j.uapi.wire.DeviceParams;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * One device in a list.
 *
 * @param info what the driver says of it
 * @param basic its size and shape, null where they have not been set
 * @param integrity what its integrity metadata is like, null where it has none
 * @param served what its server says of it, null where that is not ublk4j
 * @param degraded whether a leg of a mirror in it is not in step
 */
record DeviceRow(
        DeviceInfo info,
        DeviceParams.@Nullable Basic basic,
        @Nullable IntegrityFormat integrity,
        @Nullable ServedDevice served,
        boolean degraded)
        implements ListRow {
    static final String[] HEADINGS = {
        "ID", "STATE", "MODE", "QUEUES", "DEPTH", "SIZE", "BLOCK", "PID", "DEVICE", "TARGET"
    };

    static final String UNKNOWN = "-";

    static final String LIVE = DeviceState.name(DeviceState.UBLK_S_DEV_LIVE);

    /** In place of live. */
    static final String DEGRADED = "degraded";

    /**
     * {@return a device, null when it has just been deleted or is not for this user to see}
     *
     * @param required whether to throw when there is none
     */
    static @Nullable DeviceRow readOrNull(
            Control control, RunFolders folders, int number, boolean required) {
        try {
            DeviceInfo info = control.info(number);
            DeviceParams params = control.params(number);
            DeviceParams.Integrity integrity = params.integrity();
            ServedDevice served = folders.readOrNull(number);
            boolean degraded =
                    served != null && folders.isDegraded(served.name(), served.composition());
            return new DeviceRow(
                    info,
                    params.basic(),
                    integrity == null ? null : format(integrity),
                    served,
                    degraded);
        } catch (LinuxException e) {
            boolean isHidden =
                    switch (e.errno()) {
                        case ENODEV, EPERM, EACCES -> true;
                        default -> false;
                    };
            if (isHidden && !required) {
                return null;
            }
            throw e;
        }
    }

    private static IntegrityFormat format(DeviceParams.Integrity integrity) {
        return IntegrityFormat.ofParameters(
                integrity.flags(),
                integrity.intervalExp(),
                integrity.metadataSize(),
                integrity.piOffset(),
                integrity.csumType(),
                integrity.tagSize());
    }

    private String path() {
        return KernelDriver.blockPath(info.deviceId()).toString();
    }

    private String state() {
        return DeviceState.name(info.state());
    }

    private boolean readOnly() {
        return basic != null && (basic.attrs() & Attr.UBLK_ATTR_READ_ONLY) != 0;
    }

    @Override
    public String[] cells() {
        return new String[] {
            Integer.toString(info.deviceId()),
            degraded && state().equals(LIVE) ? DEGRADED : state(),
            Mode.of(info.flags()).toString(),
            Integer.toString(info.queues()),
            Integer.toString(info.queueDepth()),
            basic == null ? UNKNOWN : ByteSize.format(Sectors.toBytes(basic.devSectors())),
            basic == null ? UNKNOWN : Integer.toString(1 << basic.logicalBsShift()),
            info.serverPid() > 0 ? Integer.toString(info.serverPid()) : UNKNOWN,
            path(),
            target()
        };
    }

    private String target() {
        String text = served == null ? UNKNOWN : served.targetText();
        return integrity == null ? text : "%s, with %s".formatted(text, integrity);
    }

    @Override
    public void write(JsonGenerator json) {
        json.writeStartObject();
        json.writeNumberProperty("id", info.deviceId());
        json.writeStringProperty("device", path());
        json.writeStringProperty("state", state());
        json.writeBooleanProperty("degraded", degraded);
        json.writeStringProperty("mode", Mode.of(info.flags()).toString());
        json.writeNumberProperty("queues", info.queues());
        json.writeNumberProperty("depth", info.queueDepth());
        json.writeNumberProperty("max_io", info.maxIoBufBytes());
        if (basic != null) {
            json.writeNumberProperty("size", Sectors.toBytes(basic.devSectors()));
            json.writeNumberProperty("block_size", 1 << basic.logicalBsShift());
            json.writeBooleanProperty("read_only", readOnly());
        }
        if (integrity != null) {
            json.writeStringProperty("integrity", integrity.toString());
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
