/**
 * What lets buffers outlive their server: they are registered with the device, which outlives it.
 *
 * <p>A {@link dev.ublk4j.sharing.store.BufferLedger} says which buffers there are, and a {@link
 * dev.ublk4j.sharing.store.DescriptorStore} keeps the memory of those that have no name in a file
 * system. A {@link dev.ublk4j.sharing.store.BufferStore} writes to both around every registration;
 * the next server opens the {@link dev.ublk4j.sharing.store.Estate} that the former one left.
 *
 * <p><b>Threads.</b> Any thread may call any method, unless a class says otherwise.
 */
@NullMarked
package dev.ublk4j.sharing.store;

import org.jspecify.annotations.NullMarked;
