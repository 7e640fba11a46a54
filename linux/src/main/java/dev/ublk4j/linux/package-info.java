/**
 * The few system calls that the rest of ublk4j is built on.
 *
 * <p><b>What it is.</b> {@link dev.ublk4j.linux.call.Syscall} is the only place that makes a
 * downcall; {@link dev.ublk4j.linux.Fd} owns a file descriptor, {@link dev.ublk4j.linux.Mapping}
 * maps memory into an arena, {@link dev.ublk4j.linux.EventFd} wakes a sleeper, {@link
 * dev.ublk4j.linux.internal.UserMemory} reads an address that may be wild, {@link
 * dev.ublk4j.linux.Pages} knows the size of a page, {@link dev.ublk4j.linux.socket.UnixSocket}
 * passes descriptors between processes, {@link dev.ublk4j.linux.Poll} waits for several of them.
 *
 * <p><b>Errors.</b> A raw call returns a negative errno and never throws; the classes above it
 * throw {@link dev.ublk4j.linux.LinuxException}, which names the call, its object and the {@link
 * dev.ublk4j.linux.Errno}.
 *
 * <p><b>Threads.</b> Everything here may be called from any thread unless a method says otherwise.
 */
@NullMarked
package dev.ublk4j.linux;

import org.jspecify.annotations.NullMarked;
