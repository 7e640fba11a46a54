/**
 * Tests a target in an ordinary test, in milliseconds, on the driver that runs in the test's own
 * process.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.testkit.TestBed} starts a device over a target and is
 * its client; {@link dev.ublk4j.testkit.TestBed#faults} spoils what goes on beneath the target;
 * {@link dev.ublk4j.testkit.Exerciser} puts random requests to a target and compares it with a
 * model of a disk. {@code Leaks} of the module {@code trials} around any of them tells what a
 * target leaves open.
 *
 * <p>It needs no test framework: what a test finds out is an {@link java.lang.AssertionError} or an
 * ordinary value.
 *
 * <p><b>Threads.</b> A test bed may be used from several threads; an exerciser runs on its
 * caller's.
 */
@NullMarked
package dev.ublk4j.testkit;

import org.jspecify.annotations.NullMarked;
