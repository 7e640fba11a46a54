package dev.ublk4j.server;

import dev.ublk4j.driver.control.Control;
import dev.ublk4j.uapi.Feature;

/** The best mode for a target on a driver, where the owner of a device does not choose one. */
final class ModeChoice {
    private ModeChoice() {}

    /**
     * {@return the mode}
     *
     * @param features what the device is to have besides
     */
    static Mode best(Control control, Target target, long features) {
        if (Feature.UNPRIVILEGED_DEV.in(features)) {
            // The driver lets the server of such a device reach no data by itself.
            return new Mode(Mode.Data.COPY, false);
        }
        return new Mode(data(control, target, features), false);
    }

    private static Mode.Data data(Control control, Target target, long features) {
        if (target.geometry().zones() != null || target.geometry().integrity() != null) {
            // The driver takes the place of an append where it takes the address of a buffer, and
            // hands out metadata only so.
            return Mode.Data.USER_COPY;
        }
        if (target.ability(LeavesData.class) == null) {
            // One copy instead of two, straight to where the target wants it.
            return control.lacks(Feature.USER_COPY) ? Mode.Data.COPY : Mode.Data.USER_COPY;
        }
        // Registering would cost those requests, too, whose data lies in shared memory.
        boolean registers =
                !Feature.SHMEM_ZC.in(features)
                        && !control.lacks(Feature.SUPPORT_ZERO_COPY)
                        && !control.lacks(Feature.AUTO_BUF_REG);
        return registers ? Mode.Data.ZERO_COPY : Mode.Data.COPY;
    }
}
