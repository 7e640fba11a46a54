/**
 * Shows shared-memory zero copy at work.
 *
 * <p>{@link dev.ublk4j.demo.Demo} serves a file over a driver and plays the application too: it
 * writes random data and reads it back, first with the driver copying and then with its memory
 * shared, and checks every byte. What an application of the kernel's driver does that opens {@code
 * /dev/ublkbN}, {@link dev.ublk4j.demo.ServedBlockDevice} does for one of the embedded driver,
 * which has no such file.
 */
@NullMarked
package dev.ublk4j.demo;

import org.jspecify.annotations.NullMarked;
