package dev.ublk4j.embedded;

import dev.ublk4j.embedded.features.DriverSettings;

/**
 * What an embedded driver assumes of the machine.
 *
 * @param cpus CPUs; a device has at most as many queues
 * @param checkedCopies whether the data of requests is copied in a way that survives a server's bad
 *     buffer address, as in the kernel, at the price of a system call for each copy. Without it a
 *     bad address ends the virtual machine
 * @param numberedFrames whether registered memory is known by the numbers of its page frames alone:
 *     no page is touched, so none gets memory before it is used, and none is missed that is not
 *     there. Without it registered memory gets its pages at once, and is refused where they cannot
 *     be had, as in the kernel. Frames are numbered by what is mapped either way
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

    /** {@return these options with registered memory that is touched, or not} */
    public EmbeddedOptions withNumberedFrames(boolean newNumberedFrames) {
        return new EmbeddedOptions(cpus, checkedCopies, newNumberedFrames, release);
    }

    /** {@return these options for a driver that is like an older kernel's} */
    public EmbeddedOptions asKernel(KernelRelease newRelease) {
        return new EmbeddedOptions(cpus, checkedCopies, numberedFrames, newRelease);
    }

    DriverSettings settings() {
        return new DriverSettings(cpus, checkedCopies, numberedFrames, release.features());
    }
}
