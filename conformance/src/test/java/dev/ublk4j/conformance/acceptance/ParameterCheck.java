package dev.ublk4j.conformance.acceptance;

import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.DeviceParams;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Gives a device parameters, and deletes it: {@code kublk set_params}, for {@code
 * conformance/kublk}. Its arguments are the options, as {@code dev_sectors=512}.
 */
final class ParameterCheck {
    private static final int REFUSED = 255;
    private static final int MAX_IO_BYTES = 1 << 20;
    private static final int ANY = -1;

    private final Map<String, String> options = new HashMap<>();

    private ParameterCheck(String... arguments) {
        for (String argument : arguments) {
            String[] option = argument.split("=", 2);
            options.put(option[0], option[1]);
        }
    }

    /**
     * Ends with 0 where the driver takes the parameters.
     *
     * @param arguments the options
     */
    public static void main(String[] arguments) {
        System.exit(new ParameterCheck(arguments).run());
    }

    private int run() {
        try (KernelDriver driver = KernelDriver.open()) {
            Control control = new Control(driver);
            long flags =
                    options.containsKey("zoned")
                            ? Feature.USER_COPY.mask() | Feature.ZONED.mask()
                            : 0;
            DeviceInfo asked =
                    DeviceInfo.request(
                            ANY, value("queues", 1), value("depth", 1), MAX_IO_BYTES, flags);
            int id = control.add(asked).deviceId();
            try {
                control.setParams(id, params());
            } finally {
                control.delete(id);
            }
            return 0;
        } catch (LinuxException e) {
            System.err.println(e.getMessage());
            return REFUSED;
        }
    }

    private int value(String name, int otherwise) {
        String value = options.get(name);
        return value == null ? otherwise : Integer.parseInt(value);
    }

    private DeviceParams params() {
        List<String> types = List.of(options.getOrDefault("param_types", "basic").split(","));
        DeviceParams params = new DeviceParams(null, null, null, null, null, null, null);
        if (types.contains("basic")) {
            params =
                    params.with(
                            new DeviceParams.Basic(
                                    0,
                                    value("logical_bs_shift", 9),
                                    value("physical_bs_shift", 12),
                                    value("io_opt_shift", 12),
                                    value("io_min_shift", 9),
                                    value("max_sectors", MAX_IO_BYTES >> 9),
                                    value("chunk_sectors", 128),
                                    value("dev_sectors", 128 * 16),
                                    0));
        }
        if (types.contains("zoned")) {
            params =
                    params.with(
                            new DeviceParams.Zoned(
                                    value("max_open_zones", 0),
                                    value("max_active_zones", 0),
                                    value("max_zone_append_sectors", 8)));
        }
        return params;
    }
}
