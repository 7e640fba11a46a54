/**
 * Real kernels in tests.
 *
 * <p>A {@link dev.ublk4j.guest.GuestLinux} is Debian's user-mode Linux, a kernel that is a process
 * of the host. It has the disks of a test by vhost-user, and the host's own files as its root. A
 * test runs commands in it, cuts its power and boots it again, as a plain user and without a
 * virtual machine.
 */
@NullMarked
package dev.ublk4j.guest;

import org.jspecify.annotations.NullMarked;
