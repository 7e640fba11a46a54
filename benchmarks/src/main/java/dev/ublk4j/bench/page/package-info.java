/** Pages of the documentation that benchmarks write a part of. */
@NullMarked
package dev.ublk4j.bench.page;

import org.jspecify.annotations.NullMarked;
