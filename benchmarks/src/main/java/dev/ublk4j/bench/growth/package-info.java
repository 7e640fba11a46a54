/** How cost grows with queues, devices, depth, layers and registered memory. */
@NullMarked
package dev.ublk4j.bench.growth;

import org.jspecify.annotations.NullMarked;
