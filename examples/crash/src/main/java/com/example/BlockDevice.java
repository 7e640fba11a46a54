package com.example;

/** What the store needs of a disk. Positions and lengths are whole blocks of 4096 bytes. */
public interface BlockDevice {
    byte[] read(long position, int length);

    void write(long position, byte[] data);

    /** Makes everything that has been written durable. */
    void flush();
}
