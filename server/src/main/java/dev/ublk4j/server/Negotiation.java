package dev.ublk4j.server;

import dev.ublk4j.driver.MissingFeatureException;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import java.lang.System.Logger.Level;

/**
 * Finds out which features a device will have. A driver leaves out those that it does not know and
 * says nothing; a server that took them for granted would serve another device than it means to.
 */
final class Negotiation {
    private static final System.Logger LOG = System.getLogger(Negotiation.class.getName());

    /** What a driver rightly leaves out: for a privileged user, and beside user copy. */
    private static final long LEFT_OUT =
            Feature.UBLK_F_UNPRIVILEGED_DEV | Feature.UBLK_F_NEED_GET_DATA;

    private final Control control;
    private final DeviceOptions options;

    Negotiation(Control control, DeviceOptions options) {
        this.control = control;
        this.options = options;
    }

    /**
     * {@return the features to ask for}
     *
     * @throws MissingFeatureException when the driver is known to lack one that it must have
     */
    long asked() {
        for (Feature feature : Feature.of(options.features())) {
            if (control.lacks(feature)) {
                throw MissingFeatureException.of(feature, control.driver().name());
            }
        }
        long asked = options.features();
        for (Feature feature : Feature.of(options.wishes())) {
            if (!control.lacks(feature)) {
                asked |= feature.mask();
            }
        }
        return asked;
    }

    /**
     * Looks at what was granted, and tells of what a device does without.
     *
     * @throws MissingFeatureException when something is missing that must not be
     */
    void settle(DeviceInfo info) {
        long missing = options.features() & ~info.flags() & ~LEFT_OUT;
        for (Feature feature : Feature.of(missing)) {
            throw MissingFeatureException.of(feature, control.driver().name());
        }
        for (Feature feature : Feature.of(options.wishes() & ~info.flags())) {
            LOG.log(
                    Level.WARNING,
                    () ->
                            "ublk%d: %s; %s"
                                    .formatted(
                                            info.deviceId(),
                                            MissingFeatureException.of(
                                                            feature, control.driver().name())
                                                    .getMessage(),
                                            instead(feature)));
        }
    }

    private static String instead(Feature feature) {
        return switch (feature) {
            case UPDATE_SIZE -> "the device keeps its size";
            case QUIESCE -> "its server can only be replaced by killing it";
            case NO_AUTO_PART_SCAN -> "it is scanned for partitions when it starts";
            default -> "the device works without it";
        };
    }
}
