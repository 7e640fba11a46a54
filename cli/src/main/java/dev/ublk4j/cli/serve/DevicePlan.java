package dev.ublk4j.cli.serve;

import dev.ublk4j.driver.Driver;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a device is to be made of.
 *
 * @param kind the kind of target, as the command names it
 * @param source the file or class behind the target, where there is one
 * @param composition what the target is made of, null where it is not made of others
 * @param words options and kind, which make the same target again and share memory alike
 * @param mayTakeOver whether the device may be there already, without a server
 * @param starter makes the target and puts this process behind its device; called once
 */
public record DevicePlan(
        String kind,
        @Nullable String source,
        @Nullable String composition,
        List<String> words,
        boolean mayTakeOver,
        Function<Driver, LiveDevice> starter) {}
