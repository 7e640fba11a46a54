package dev.ublk4j.bench.curve;

import java.util.List;
import java.util.Locale;

/** How data comes from the application to the target and back. */
enum Mode {
    /** The driver copies it to and from a buffer of the server's. */
    COPY("copy", "8 5"),

    /** The server copies it, right to where the target wants it ({@code UBLK_F_USER_COPY}). */
    USER_COPY("user copy", "2 3"),

    /** The driver registers the application's pages with io_uring ({@code UBLK_F_AUTO_BUF_REG}). */
    REGISTERED("registered", "10 3 2 3"),

    /** The application's memory is shared with the server ({@code UBLK_F_SHMEM_ZC}). */
    SHARED("shared", "");

    /** In words. */
    final String text;

    /** How its curve is dashed, for SVG. */
    final String dashes;

    Mode(String text, String dashes) {
        this.text = text;
        this.dashes = dashes;
    }

    /** {@return the modes that a target can be served in} */
    static List<Mode> of(boolean needsData) {
        return needsData
                ? List.of(COPY, USER_COPY, SHARED)
                : List.of(COPY, USER_COPY, REGISTERED, SHARED);
    }

    static Mode parse(String name) {
        return valueOf(name.toUpperCase(Locale.ROOT));
    }
}
