/** Sockets, and descriptors passed over them: for the modules of ublk4j only. */
@NullMarked
package dev.ublk4j.linux.socket;

import org.jspecify.annotations.NullMarked;
