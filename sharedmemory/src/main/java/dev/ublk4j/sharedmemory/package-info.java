/**
 * Memory that processes share, and what a driver needs to know about it.
 *
 * <p><b>What it is.</b> {@link dev.ublk4j.sharedmemory.SharedMemory} is a file whose pages several
 * processes map: a memfd, or a file of hugetlbfs or tmpfs. {@link
 * dev.ublk4j.sharedmemory.frames.PageFrames} numbers the page frames behind addresses, which is how
 * one tells that two mappings are the same memory.
 *
 * <p><b>Where to start.</b> A client makes memory with {@link
 * dev.ublk4j.sharedmemory.SharedMemory#create(String, long)}, seals it against shrinking and passes
 * its descriptor on; a server takes it with {@link
 * dev.ublk4j.sharedmemory.SharedMemory#adopt(dev.ublk4j.linux.Fd)}, insists on the seal and maps
 * it. A driver that is given an address asks for its frames; they mean something for as long as the
 * memory is mapped there.
 *
 * <p><b>Threads and lifetimes.</b> All classes may be used by any thread. A mapping lives as long
 * as its arena, with or without the {@code SharedMemory} it came from.
 *
 * <p><b>Pages</b> are those of the processor unless a text says huge pages.
 */
@NullMarked
package dev.ublk4j.sharedmemory;

import org.jspecify.annotations.NullMarked;
