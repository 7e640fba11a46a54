package dev.ublk4j.sharing.adopt;

import dev.ublk4j.sharedmemory.FileIdentity;
import java.util.List;

/**
 * A mapping of a process, and whether it is to be adopted.
 *
 * @param start first address
 * @param length bytes
 * @param offset bytes into its file
 * @param kind what it is, for a person: anonymous, memfd, System V, tmpfs, hugetlbfs, private, or
 *     the type of another file system
 * @param name what the kernel calls it; may be empty
 * @param file its file; inode 0 for memory without one
 * @param writable whether the process may write to it
 * @param pageSize bytes of the pages that most of it is mapped with, transparent huge ones included
 * @param resident bytes that this process has touched
 * @param others the other processes that have it mapped, as far as they can be seen
 * @param verdict whether it is to be adopted
 * @param reason why it is not; empty where it is
 */
public record Candidate(
        long start,
        long length,
        long offset,
        String kind,
        String name,
        FileIdentity file,
        boolean writable,
        long pageSize,
        long resident,
        List<Integer> others,
        Verdict verdict,
        String reason) {
    /** What is to become of a mapping. */
    public enum Verdict {
        /** It is to be adopted. */
        ADOPT,
        /** It could be, but is not meant. */
        LEAVE,
        /** It cannot be. */
        REFUSE
    }

    /** Copies the list. */
    public Candidate {
        others = List.copyOf(others);
    }

    /** {@return the byte of the file after the last} */
    public long end() {
        return offset + length;
    }

    /** {@return the same with another verdict} */
    public Candidate but(Verdict other, String why) {
        return new Candidate(
                start, length, offset, kind, name, file, writable, pageSize, resident, others,
                other, why);
    }
}
