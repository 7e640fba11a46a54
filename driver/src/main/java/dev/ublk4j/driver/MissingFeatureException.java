package dev.ublk4j.driver;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.Feature;

/** Something was asked of a driver that is too old for it, or was built without it. */
public final class MissingFeatureException extends LinuxException {
    private static final long serialVersionUID = 1L;

    private final String text;

    private MissingFeatureException(String call, String driver, String what, String since) {
        super(call, driver, Errno.EOPNOTSUPP.negated());
        text = "%s has no %s, which came with Linux %s".formatted(driver, what, since);
    }

    /** What a kernel may be built without, of whatever version it is. */
    private static String since(Feature feature) {
        return switch (feature) {
            case ZONED -> feature.since() + " and needs CONFIG_BLK_DEV_ZONED";
            case INTEGRITY -> feature.since() + " and needs CONFIG_BLK_DEV_INTEGRITY";
            default -> feature.since();
        };
    }

    /**
     * {@return the exception for a feature that a device was to have}
     *
     * @param driver its {@linkplain Driver#name() name}
     */
    public static MissingFeatureException of(Feature feature, String driver) {
        return new MissingFeatureException(
                ControlCommand.ADD_DEV.cName(), driver, feature.name(), since(feature));
    }

    /**
     * {@return the exception for a command}
     *
     * @param driver its {@linkplain Driver#name() name}
     */
    public static MissingFeatureException of(ControlCommand command, String driver) {
        String what = command.feature().map(Feature::name).orElse(command.name());
        return new MissingFeatureException(command.cName(), driver, what, command.since());
    }

    /** {@return one line: which driver lacks what, and which version of Linux has it} */
    @Override
    public String getMessage() {
        return text;
    }
}
