/** Makes the section about an hour of load of the page about performance. */
@NullMarked
package dev.ublk4j.bench.hour;

import org.jspecify.annotations.NullMarked;
