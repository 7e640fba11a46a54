/**
 * Shows shared-memory zero copy at work.
 *
 * <p>{@link dev.ublk4j.cli.demo.Demo} serves a file over a driver and plays the application too: it
 * writes random data and reads it back, first with the driver copying and then with its memory
 * shared, and checks every byte.
 */
@NullMarked
package dev.ublk4j.cli.demo;

import org.jspecify.annotations.NullMarked;
