package dev.ublk4j.sharedmemory;

/**
 * Which file it is, whoever opened it under whatever name.
 *
 * <p>Unique among files that exist. The number of a file that is gone may be given to a new one.
 *
 * @param deviceMajor major number of the device the file lives on
 * @param deviceMinor minor number of that device
 * @param inode number of the file on it
 */
public record FileIdentity(int deviceMajor, int deviceMinor, long inode) {}
