/**
 * Random sequences of operations for tests, and the shortest one that fails.
 *
 * <p>{@link dev.ublk4j.sequences.Ops} is all there is: a model test or a fuzz hands it something
 * that makes one operation and something that runs a sequence of them.
 */
@NullMarked
package dev.ublk4j.sequences;

import org.jspecify.annotations.NullMarked;
