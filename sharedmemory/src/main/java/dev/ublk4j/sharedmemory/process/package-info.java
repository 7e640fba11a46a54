/** What other processes have mapped, as {@code /proc} tells it. */
@NullMarked
package dev.ublk4j.sharedmemory.process;

import org.jspecify.annotations.NullMarked;
