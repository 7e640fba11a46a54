package dev.ublk4j.sharing.adopt;

import java.util.List;

/**
 * What has become of the mappings of a process.
 *
 * @param pid the process
 * @param program the name of its program
 * @param candidates its mappings, with what was found of each
 * @param buffers what has been registered now
 * @param known how many bytes of it were registered before
 * @param complaints why something could not be registered, a line each
 */
public record AdoptionReport(
        int pid,
        String program,
        List<Candidate> candidates,
        List<AdoptedBuffer> buffers,
        long known,
        List<String> complaints) {
    /** Copies the lists. */
    public AdoptionReport {
        candidates = List.copyOf(candidates);
        buffers = List.copyOf(buffers);
        complaints = List.copyOf(complaints);
    }

    /**
     * A part of the memory that is registered.
     *
     * @param index the driver's
     * @param offset bytes into its file
     * @param length bytes
     * @param pageSize bytes of its pages
     * @param readOnly whether only writes to the device use it
     * @param name what the kernel calls the memory
     */
    public record AdoptedBuffer(
            int index, long offset, long length, long pageSize, boolean readOnly, String name) {}

    /** {@return bytes that have been registered now} */
    public long bytes() {
        return buffers.stream().mapToLong(AdoptedBuffer::length).sum();
    }
}
