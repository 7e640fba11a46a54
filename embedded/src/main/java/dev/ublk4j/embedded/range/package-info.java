/**
 * Which registered buffer a page frame belongs to.
 *
 * <p><b>What it is.</b> A device keeps one {@link dev.ublk4j.embedded.range.RangeTable}: a buffer
 * goes in as the frames it is made of ({@link dev.ublk4j.embedded.range.BufferRuns}), gets the
 * lowest free index of 16 bits, and from then on every one of its frames leads to that index and to
 * the byte offset in the buffer. {@link dev.ublk4j.embedded.range.RequestMatcher} asks the table
 * whether all of a request's data lies in one buffer, in order; if so, the server gets the index
 * and the offset in place of an address, and nothing is copied.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.embedded.range.RangeTable}. An answer is a {@link
 * dev.ublk4j.embedded.range.Placement}, packed in a long; a request that does not match has a
 * {@link dev.ublk4j.embedded.range.Miss}. The tree itself, how it changes under its readers and why
 * that is safe is told at the top of {@code RangeTree}; the words that stand in front of it where
 * ranges lie close together, at the top of {@code DenseRegions}.
 *
 * <p><b>Threads.</b> Any thread looks up and matches, without a lock and without allocating. Those
 * who register, unregister and clear take turns: the device's lock sees to that.
 *
 * <p>A frame holds a page of the machine, 4 KiB as a rule.
 */
@NullMarked
package dev.ublk4j.embedded.range;

import org.jspecify.annotations.NullMarked;
