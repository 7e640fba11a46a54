package dev.ublk4j.linux;

/**
 * Who is at the other end of a socket, as the kernel knows it: who connected, or who listens.
 *
 * @param pid the process, 0 where this process cannot see it
 * @param uid its user
 * @param gid its group
 */
public record Peer(int pid, int uid, int gid) {}
