/**
 * The commands of {@code ublk4j}, a class each.
 *
 * <p>{@link dev.ublk4j.cli.Main} runs {@code RootCommand}; every error ends in {@code Explanation},
 * which makes one line of it. {@code AddCommand} and its kinds hand what is to be served to {@link
 * dev.ublk4j.cli.serve}; {@code DoctorCommand} prints what {@link dev.ublk4j.cli.doctor} finds.
 *
 * <p>A command links no system call and opens no log before it needs one: that is most of the time
 * a short command takes.
 */
@NullMarked
package dev.ublk4j.cli;

import org.jspecify.annotations.NullMarked;
