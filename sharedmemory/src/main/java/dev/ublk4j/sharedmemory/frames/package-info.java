/** The page frames behind addresses, by which a driver tells that two mappings are one memory. */
@NullMarked
package dev.ublk4j.sharedmemory.frames;

import org.jspecify.annotations.NullMarked;
