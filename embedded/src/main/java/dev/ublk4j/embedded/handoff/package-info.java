/** How threads hand work to one thread, and wake it where it sleeps, without a lock. */
@NullMarked
package dev.ublk4j.embedded.handoff;

import org.jspecify.annotations.NullMarked;
