/** A driver's side of a device: what who writes a driver implements, and a server calls. */
@NullMarked
package dev.ublk4j.driver.spi;

import org.jspecify.annotations.NullMarked;
