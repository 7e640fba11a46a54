/**
 * What commands say: {@link dev.ublk4j.cli.output.Explanation} of an error, {@link
 * dev.ublk4j.cli.output.Table} for a person, {@link dev.ublk4j.cli.output.Json} for a program.
 */
@NullMarked
package dev.ublk4j.cli.output;

import org.jspecify.annotations.NullMarked;
