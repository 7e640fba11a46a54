/**
 * From what a client submits to the requests a queue gets.
 *
 * <p><b>What it is.</b> A client submits an operation on any number of sectors with its data in
 * {@link dev.ublk4j.embedded.block.Segments}. {@link dev.ublk4j.embedded.block.RequestSplitter}
 * says whether Linux would accept it, and cuts it where Linux would: at the {@link
 * dev.ublk4j.embedded.block.QueueLimits} of the device, which come from its parameters as {@code
 * START_DEV} hands them to the block layer. Requests of different submissions are never merged.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.embedded.block.RequestSplitter}.
 *
 * <p><b>Threads.</b> Limits are immutable. Segments and splitters belong to one thread at a time.
 */
@NullMarked
package dev.ublk4j.embedded.block;

import org.jspecify.annotations.NullMarked;
