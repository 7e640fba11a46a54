/** Crash tests as JUnit tests. */
@NullMarked
package dev.ublk4j.crash.junit;

import org.jspecify.annotations.NullMarked;
