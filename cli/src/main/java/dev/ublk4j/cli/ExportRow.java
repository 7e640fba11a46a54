package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.ServedExport;
import tools.jackson.core.JsonGenerator;

/**
 * One export in a list.
 *
 * @param export what its server says of it
 * @param degraded whether a leg of a mirror in it is not in step
 */
record ExportRow(ServedExport export, boolean degraded) implements ListRow {
    @Override
    public String[] cells() {
        return new String[] {
            export.name().toString(),
            degraded ? DeviceRow.DEGRADED : DeviceRow.LIVE,
            DeviceRow.UNKNOWN,
            Integer.toString(export.queues()),
            Integer.toString(export.depth()),
            ByteSize.format(export.size()),
            Integer.toString(export.blockSize()),
            Long.toString(export.server().pid()),
            export.address(),
            export.targetText()
        };
    }

    @Override
    public void write(JsonGenerator json) {
        json.writeStartObject();
        export.writeProperties(json);
        json.writeBooleanProperty("degraded", degraded);
        json.writeEndObject();
    }
}
