/**
 * Tests of what a power cut leaves of a disk.
 *
 * <p>A {@link dev.ublk4j.crash.Recorder} is a layer that writes down what a disk was asked to do:
 * every write, flush, discard and write of zeroes, with its data, when it was sent and when it was
 * answered. From that {@link dev.ublk4j.crash.History} follows what a disk could hold after a power
 * cut at any instant, by the promises that a disk makes ({@link dev.ublk4j.crash.DiskModel}). A
 * {@link dev.ublk4j.crash.CrashLab} opens those images one after the other and hands each to a
 * check. When a check fails, the lab looks for the smallest loss that still makes it fail, and
 * tells it as a story.
 *
 * <p>Nothing here needs root, a kernel with ublk, or a test framework; {@code
 * dev.ublk4j.crash.junit} has the annotation for JUnit.
 */
@NullMarked
package dev.ublk4j.crash;

import org.jspecify.annotations.NullMarked;
