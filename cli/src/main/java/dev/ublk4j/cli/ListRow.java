package dev.ublk4j.cli;

import tools.jackson.core.JsonGenerator;

/** Something that is served, as a list shows it. */
interface ListRow {
    /** {@return its cells, below {@link DeviceRow#HEADINGS}} */
    String[] cells();

    /** Writes it as a JSON object. */
    void write(JsonGenerator json);
}
