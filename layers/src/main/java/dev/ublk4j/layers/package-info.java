/**
 * Targets made of other targets.
 *
 * <p>A layer owns the targets below it. It opens a queue of each for every queue of the device, and
 * sends them parts of its requests. Nothing is copied on the way, no lock is taken, and once as
 * many parts have been out as there are at a time, nothing is allocated. A layer works over any
 * target: in memory, on the ring, or blocking.
 */
@NullMarked
package dev.ublk4j.layers;

import org.jspecify.annotations.NullMarked;
