/**
 * Finds out what this machine can do.
 *
 * <p>{@link dev.ublk4j.cli.doctor.Examination} runs the checks, each of which makes a {@link
 * dev.ublk4j.cli.doctor.Finding}.
 */
@NullMarked
package dev.ublk4j.cli.doctor;

import org.jspecify.annotations.NullMarked;
