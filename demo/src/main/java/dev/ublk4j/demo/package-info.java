/**
 * Shows shared-memory zero copy at work.
 *
 * <p>{@link dev.ublk4j.demo.Demo} serves a file over a driver and plays the application too: it
 * writes random data and reads it back, first with the driver copying and then with its memory
 * shared, and checks every byte. Nothing in it knows which driver it has but {@link
 * dev.ublk4j.demo.Application}, because an application of the kernel's driver opens {@code
 * /dev/ublkbN} and one of the embedded driver has no such file.
 */
@NullMarked
package dev.ublk4j.demo;

import org.jspecify.annotations.NullMarked;
