package dev.ublk4j.cli.serve;

import dev.ublk4j.server.Device;
import org.jspecify.annotations.Nullable;

/**
 * A device that a front gives to clients.
 *
 * @param kind the kind of target, as the command names it
 * @param source the file or class behind the target, where there is one
 * @param device the device, live
 */
public record Exported(String kind, @Nullable String source, Device device) {}
