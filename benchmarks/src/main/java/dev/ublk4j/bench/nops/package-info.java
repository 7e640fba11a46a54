/** What a ring costs beside one of liburing. */
@NullMarked
package dev.ublk4j.bench.nops;

import org.jspecify.annotations.NullMarked;
