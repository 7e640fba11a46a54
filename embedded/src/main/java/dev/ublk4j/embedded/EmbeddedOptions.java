package dev.ublk4j.embedded;

/**
 * What an embedded driver assumes of the machine.
 *
 * @param cpus CPUs; a device has at most as many queues
 * @param checkedCopies whether the data of requests is copied in a way that survives a server's bad
 *     buffer address, as in the kernel, at the price of a system call for each copy. Without it a
 *     bad address ends the virtual machine
 * @param numberedFrames whether page frames are always numbered by what is mapped, device, inode
 *     and page, so that a shared file's consecutive pages have consecutive frames. Registered
 *     memory is then not pinned: no page gets memory before it is used, and pages that are given
 *     back and come again are the same ones. Without it frames are the kernel's where this process
 *     may see them
 * @param release the release of Linux whose driver it is like
 */
public record EmbeddedOptions(
        int cpus, boolean checkedCopies, boolean numberedFrames, KernelRelease release) {
    /** Checks the ranges. */
    public EmbeddedOptions {
        if (cpus < 1) {
            throw new IllegalArgumentException("cpus: " + cpus);
        }
    }

    /** {@return the CPUs of this machine, copies without a check, the newest release} */
    public static EmbeddedOptions defaults() {
        return new EmbeddedOptions(
                Runtime.getRuntime().availableProcessors(), false, false, KernelRelease.NEWEST);
    }

    /** {@return these options with another number of CPUs} */
    public EmbeddedOptions withCpus(int newCpus) {
        return new EmbeddedOptions(newCpus, checkedCopies, numberedFrames, release);
    }

    /** {@return these options with or without checked copies} */
    public EmbeddedOptions withCheckedCopies(boolean newCheckedCopies) {
        return new EmbeddedOptions(cpus, newCheckedCopies, numberedFrames, release);
    }

    /** {@return these options with frames that are always numbered, or not} */
    public EmbeddedOptions withNumberedFrames(boolean newNumberedFrames) {
        return new EmbeddedOptions(cpus, checkedCopies, newNumberedFrames, release);
    }

    /** {@return these options for a driver that is like an older kernel's} */
    public EmbeddedOptions asKernel(KernelRelease newRelease) {
        return new EmbeddedOptions(cpus, checkedCopies, numberedFrames, newRelease);
    }
}
