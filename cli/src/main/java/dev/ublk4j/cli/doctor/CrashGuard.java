package dev.ublk4j.cli.doctor;

import dev.ublk4j.cli.output.Failure;

/** Keeps a device from being added where that is known to crash the machine. */
public final class CrashGuard {
    private CrashGuard() {}

    /**
     * Refuses a kernel that is known to crash.
     *
     * @param override what to say of how to add one all the same, or nothing
     * @throws Failure with what is known, and what to do
     */
    public static void check(KernelIdentity kernel, String override) {
        KnownKernel.crashing(kernel)
                .ifPresent(known -> {
                    throw new Failure("%s; %s%s".formatted(known.text(), known.remedy(), override));
                });
    }

    /** {@return whether a kernel is known to crash} */
    public static boolean isKnownToCrash(KernelIdentity kernel) {
        return KnownKernel.crashing(kernel).isPresent();
    }
}
