/**
 * A target in an image of QEMU's format qcow2.
 *
 * <p>{@link dev.ublk4j.qcow2.Qcow2Target} opens an image with its backing files and serves it; its
 * essay says how that is done. {@link dev.ublk4j.qcow2.NewImage} makes one. The format is described
 * in QEMU's {@code docs/interop/qcow2.txt}; the terms here are those of that text.
 *
 * <p>{@code Qcow2Queue} has the path of a request, {@code Mapping} the tables that it looks at, and
 * {@code Allocator} everything that changes an image.
 */
@NullMarked
package dev.ublk4j.qcow2;

import org.jspecify.annotations.NullMarked;
