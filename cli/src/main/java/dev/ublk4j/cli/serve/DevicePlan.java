package dev.ublk4j.cli.serve;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.server.Device;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a device is to be made of.
 *
 * @param kind the kind of target, as the command names it
 * @param source the file or class behind the target, where there is one
 * @param words the kind and its options, which make the same target again
 * @param sharing how memory is to be shared, null when it is not to be
 * @param starter makes the target and puts this process behind its device; called once
 */
public record DevicePlan(
        String kind,
        @Nullable String source,
        List<String> words,
        @Nullable SharingPlan sharing,
        Function<Driver, Device> starter) {}
