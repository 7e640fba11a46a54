package com.example;

import java.lang.foreign.MemorySegment;

/** Takes what has been read. */
@FunctionalInterface
public interface BlockHandler {
    /**
     * Called on the reader's thread.
     *
     * @param position where in the file the block begins
     * @param block what was read there, valid during the call
     */
    void onBlock(long position, MemorySegment block);
}
