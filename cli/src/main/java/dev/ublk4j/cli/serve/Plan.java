package dev.ublk4j.cli.serve;

import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What is to be served.
 *
 * @param kind the kind of target, as the command names it
 * @param source the file or class behind the target, where there is one
 * @param composition what the target is made of, null where it is not made of others
 * @param options how to serve it
 * @param opener makes the target; called once
 * @param undo deletes what the target has made for itself; called where it cannot be served
 */
public record Plan(
        String kind,
        @Nullable String source,
        @Nullable String composition,
        DeviceOptions options,
        Supplier<Target> opener,
        Runnable undo) {}
