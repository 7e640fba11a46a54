/**
 * Devices served through {@link dev.ublk4j.server.Device} on a real kernel, used by real programs:
 * fio, mkfs, mount, and the processors of a virtual machine that has no other work.
 */
@NullMarked
package dev.ublk4j.conformance.acceptance;

import org.jspecify.annotations.NullMarked;
