/**
 * The block layer: from what a client submits to the requests that a driver gets.
 *
 * <p><b>What it is.</b> A client submits an operation on any number of sectors, a {@link
 * dev.ublk4j.embedded.block.Bio}, to a {@link dev.ublk4j.embedded.block.Gendisk}. {@link
 * dev.ublk4j.embedded.block.RequestSplitter} says whether Linux would accept it, and cuts it where
 * Linux would: at the {@link dev.ublk4j.embedded.block.QueueLimits} of the device. Each part gets a
 * tag of a hardware queue, or waits until there is one, and goes as a {@link
 * dev.ublk4j.embedded.block.BlockRequest} to the queue's {@link
 * dev.ublk4j.embedded.block.QueueDriver}. Requests of different submissions are never merged.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.embedded.block.Gendisk#submit}; as a driver, {@link
 * dev.ublk4j.embedded.block.QueueDriver}, which is all that this package knows of one.
 *
 * <p><b>Threads.</b> Disks and queues: any. A bio, its segments and its splitter belong to one
 * thread at a time, and to the block layer while they are under way.
 */
@NullMarked
package dev.ublk4j.embedded.block;

import org.jspecify.annotations.NullMarked;
