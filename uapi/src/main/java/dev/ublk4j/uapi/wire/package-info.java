/**
 * The structures of {@code linux/ublk_cmd.h} in memory, and how requests and buffers are numbered.
 */
@NullMarked
package dev.ublk4j.uapi.wire;

import org.jspecify.annotations.NullMarked;
