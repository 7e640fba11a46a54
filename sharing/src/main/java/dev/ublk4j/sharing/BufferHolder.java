package dev.ublk4j.sharing;

/** What a {@link HandedBuffer} may belong to, and ends with. */
interface BufferHolder {}
