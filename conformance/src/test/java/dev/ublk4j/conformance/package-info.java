/**
 * The rules that both drivers keep, and what is tested on a real kernel.
 *
 * <p>A rule is written once, in a class of {@code rules}, over a {@link
 * dev.ublk4j.conformance.lane.Lane}. {@link dev.ublk4j.conformance.KernelConformanceTest} and
 * {@link dev.ublk4j.conformance.EmbeddedConformanceTest} run them all, each on its lane. The tests
 * tagged {@code kernel} need a kernel with {@code ublk_drv}, and are run by {@code
 * conformance/run-in-vm}; an ordinary build runs the others.
 */
@NullMarked
package dev.ublk4j.conformance;

import org.jspecify.annotations.NullMarked;
