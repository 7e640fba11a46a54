package dev.ublk4j.cli.doctor;

import java.util.List;
import java.util.Optional;

/** What the version of the kernel lets one expect. */
final class KernelCheck {
    private static final String SUBJECT = "kernel";
    private static final String NEWER = "boot a newer kernel, or try one with: ublk4j vm";

    /** Kernels in which others have met a ublk that does not work. */
    private static final List<KnownBad> KNOWN_BAD =
            List.of(
                    new KnownBad(
                            KernelVersion.parse("6.17"),
                            KernelVersion.parse("6.17.999"),
                            "starting a device was seen to fail with EINVAL, and to crash the"
                                    + " kernel (longhorn/longhorn#11977, #13509)"),
                    new KnownBad(
                            KernelVersion.parse("6.18.4"),
                            KernelVersion.parse("6.18.4"),
                            "adding a device is broken (zabbly/linux#52)"));

    private record KnownBad(KernelVersion first, KernelVersion last, String what) {
        boolean covers(KernelVersion kernel) {
            return first.compareTo(kernel) <= 0 && kernel.compareTo(last) <= 0;
        }
    }

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

    static Optional<Finding> knownBad(KernelVersion kernel) {
        return KNOWN_BAD.stream()
                .filter(bad -> bad.covers(kernel))
                .findFirst()
                .map(bad -> Finding.warn(SUBJECT, bad.what(), NEWER));
    }
}
