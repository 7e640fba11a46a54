package dev.ublk4j.server;

import dev.ublk4j.uapi.Feature;

/** Who brings the data of a request that does not lie in shared memory. */
enum DataPath {
    /** The driver copies it to and from the tag's buffer. */
    COPIED,

    /** The server copies it by calls of its own, {@code UBLK_F_USER_COPY}. */
    USER_COPY,

    /**
     * Nobody: the driver registers the application's pages with the queue's io_uring, {@code
     * UBLK_F_AUTO_BUF_REG}.
     */
    REGISTERED;

    /** {@return the path of a device with such features} */
    static DataPath of(long features) {
        if (Feature.USER_COPY.in(features)) {
            return USER_COPY;
        }
        return Feature.AUTO_BUF_REG.in(features) ? REGISTERED : COPIED;
    }

    /**
     * {@return the path of a device with such features, which a target can be on}
     *
     * @throws IllegalArgumentException when the target needs to see data that stays with the driver
     */
    static DataPath of(long features, Target target) {
        DataPath path = of(features);
        if (path == REGISTERED && target.needsData()) {
            throw new IllegalArgumentException(
                    "zero copy by AUTO_BUF_REG is for targets that leave all data to io_uring, and"
                            + " this one looks at it");
        }
        return path;
    }
}
