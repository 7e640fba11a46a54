package dev.ublk4j.server;

/**
 * The ability of a {@link Target} to serve requests without looking at their data: it never calls
 * {@link Request#data}, {@link Request#copyTo} or {@link Request#copyFrom} and leaves the data to
 * {@link Queue#read} and {@link Queue#write}. Its device can be served with no copy at all ({@code
 * UBLK_F_AUTO_BUF_REG}). A layer has it where all targets below it have.
 */
public interface LeavesData {}
