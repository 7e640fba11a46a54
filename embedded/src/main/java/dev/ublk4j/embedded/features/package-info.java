/**
 * What a driver of one release of Linux can do, and what {@code ADD_DEV} settled about a device.
 */
@NullMarked
package dev.ublk4j.embedded.features;

import org.jspecify.annotations.NullMarked;
