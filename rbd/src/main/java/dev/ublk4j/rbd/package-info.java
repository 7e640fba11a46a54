/**
 * A target in an image of Ceph RBD, by its library librbd.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.rbd.RbdTarget#open}, with an {@link
 * dev.ublk4j.rbd.RbdImageName} and {@link dev.ublk4j.rbd.RbdOptions}.
 *
 * <p><b>Native access.</b> The classes {@code Librbd} and {@code Librados} are, beside the module
 * {@code linux}, the only ones that call native code. Programs on the module path give {@code
 * --enable-native-access=dev.ublk4j.linux,dev.ublk4j.rbd}. The libraries are looked for when the
 * first image is opened: librbd1 and librados2 of Ceph 15 or later.
 *
 * <p><b>A request's way.</b> {@code ImageQueue} hands it to librbd, with its own memory, and
 * returns. A thread of librbd calls {@code Answers}, which completes the request on the queue that
 * it is of. No thread of ours waits for it.
 *
 * <p><b>Waiting.</b> What librbd does when it opens and closes an image may take for ever where the
 * cluster is gone. It is done on threads that may ({@code Patience}).
 */
@NullMarked
package dev.ublk4j.rbd;

import org.jspecify.annotations.NullMarked;
