/**
 * Copies one target to another: {@link dev.ublk4j.cli.copy.Copier} does it, by {@link
 * dev.ublk4j.cli.copy.CopyPlan} and {@link dev.ublk4j.cli.copy.CopyWorker}, and {@link
 * dev.ublk4j.cli.copy.CopyJournal} keeps how far it is.
 */
@NullMarked
package dev.ublk4j.cli.copy;

import org.jspecify.annotations.NullMarked;
