/**
 * The sharing protocol: how an application hands memory to the server of a block device, over a
 * Unix-domain socket.
 *
 * <p><b>What it is.</b> A server that shares memory listens at {@link
 * dev.ublk4j.handover.Exchange#socketPath(int)}. An application sends it the descriptor of memory
 * and gets back the index that the driver has given the buffer. {@link
 * dev.ublk4j.handover.Exchange} describes both protocols byte by byte: the simple exchange, which
 * the kernel's own test server speaks, and messages, of which each {@link
 * dev.ublk4j.handover.Request} is one.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.handover.HandoverConnection} is the application's end
 * of the messages, {@link dev.ublk4j.handover.SimpleExchange} that of the simple exchange. A server
 * reads with a {@link dev.ublk4j.handover.MessageStream} and replies with {@link
 * dev.ublk4j.handover.Frame}s.
 *
 * <p><b>Errors.</b> What the other side refuses, and what it says that makes no sense, is a {@link
 * dev.ublk4j.handover.HandoverException} with an errno and a text.
 *
 * <p><b>Threads and lifetimes.</b> A connection may be used by any thread, one call at a time. Its
 * buffers are the device's until it is closed, also by the death of its process.
 */
@NullMarked
package dev.ublk4j.handover;

import org.jspecify.annotations.NullMarked;
