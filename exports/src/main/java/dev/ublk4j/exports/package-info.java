/**
 * What serves clients of other protocols on a queue's thread, over the embedded driver.
 *
 * <p>An {@link dev.ublk4j.exports.ExportedDevice} is a target's device on the embedded driver, with
 * a {@link dev.ublk4j.exports.QueueFront} on the thread of each queue. What a client sends becomes
 * a {@link dev.ublk4j.exports.ClientRequest}, which goes to the device's disk and comes back:
 * client, driver, server and target in one thread, to completion.
 */
@NullMarked
package dev.ublk4j.exports;

import org.jspecify.annotations.NullMarked;
