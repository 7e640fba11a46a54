package dev.ublk4j.server;

import dev.ublk4j.uapi.Feature;
import java.util.List;
import org.jspecify.annotations.Nullable;

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

    /** What gives commands, answers or requests another meaning. */
    private static final List<Feature> UNSERVED =
            List.of(Feature.NEED_GET_DATA, Feature.ZONED, Feature.BATCH_IO, Feature.INTEGRITY);

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
     * @throws IllegalArgumentException when there is none: the target needs to see data that stays
     *     with the driver, or a feature changes what commands and answers mean
     */
    static DataPath of(long features, Target target) {
        String unfit = unfit(features, target);
        if (unfit != null) {
            throw new IllegalArgumentException(unfit);
        }
        return of(features);
    }

    /** {@return why a device with such features cannot be served from a target, or null} */
    static @Nullable String unfit(long features, Target target) {
        DataPath path = of(features);
        if (path == REGISTERED && target.ability(LeavesData.class) == null) {
            return "zero copy by AUTO_BUF_REG works only for targets that leave all data to"
                    + " io_uring, and this one looks at it";
        }
        if (path == COPIED && Feature.SUPPORT_ZERO_COPY.in(features)) {
            return "with SUPPORT_ZERO_COPY nobody copies data; this server also needs USER_COPY"
                    + " or AUTO_BUF_REG";
        }
        for (Feature feature : UNSERVED) {
            if (feature.in(features)) {
                return "this server does not support " + feature;
            }
        }
        return null;
    }
}
