/** Makes the section about whole devices of the page about performance. */
@NullMarked
package dev.ublk4j.bench.device;

import org.jspecify.annotations.NullMarked;
