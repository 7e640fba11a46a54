package dev.ublk4j.cli.doctor;

import java.util.List;

/** What the version of the kernel lets one expect. */
final class KernelCheck {
    private static final String SUBJECT = "kernel";
    private static final String NEWER = "boot a newer kernel, or try one with: ublk4j vm";

    private KernelCheck() {}

    static Finding version(KernelVersion kernel) {
        if (kernel.isBefore(6, 0)) {
            return Finding.fail(SUBJECT, kernel.text() + "; ublk came with 6.0", NEWER);
        }
        if (kernel.isBefore(7, 1)) {
            return Finding.warn(
                    SUBJECT, kernel.text() + "; zero copy over shared memory came with 7.1", NEWER);
        }
        return Finding.ok(SUBJECT, kernel.text());
    }

    /** {@return what is publicly known of a kernel} */
    static List<Finding> known(KernelIdentity kernel) {
        return KnownKernel.of(kernel).stream().map(KnownKernel::finding).toList();
    }
}
