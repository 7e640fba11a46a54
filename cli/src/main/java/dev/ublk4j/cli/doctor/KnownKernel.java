package dev.ublk4j.cli.doctor;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Kernels of which it is publicly known that ublk does not work on them, or not wholly.
 *
 * @param harm what happens
 * @param fits which kernels it is
 * @param text what is known, and from where
 * @param remedy what to do about it; empty where there is nothing to do
 */
record KnownKernel(Harm harm, Predicate<KernelIdentity> fits, String text, String remedy) {
    /** What a kernel does. */
    enum Harm {
        /** It crashes when a device is added. */
        CRASHES,

        /** It fails at something that ublk4j can do without, or only sometimes. */
        HURTS,

        /** It does what other servers may wait for in vain, and ublk4j does not. */
        SPARES,

        /** It has no ublk. */
        HAS_NO_UBLK
    }

    private static final String VM = "or try ublk4j in another kernel: ublk4j vm";

    private static final String UPGRADE = "boot another kernel, " + VM;

    /**
     * All that are known.
     *
     * <p>The crash at ADD_DEV is one fault everywhere: "ublk: implement NUMA-aware memory
     * allocation" was taken back to these kernels without "ublk: reorder tag_set initialization
     * before queue allocation", which it needs.
     */
    private static final List<KnownKernel> ALL =
            List.of(
                    new KnownKernel(
                            Harm.CRASHES,
                            between("6.18.4", "6.18.5"),
                            "Linux 6.18.4 and 6.18.5 crash when a ublk device is added"
                                    + " (zabbly/linux#52, kvcache-ai/AgentENV#20)",
                            "boot 6.18.6 or later, " + VM),
                    new KnownKernel(
                            Harm.CRASHES,
                            ubuntu("6.17.0", 24, 40),
                            "Ubuntu's kernels 6.17.0-24 to -40 crash when a ublk device is added"
                                    + " (Launchpad #2154635)",
                            UPGRADE),
                    new KnownKernel(
                            Harm.CRASHES,
                            // Cloud kernels count for themselves, from 1001. Seen on 1015 and 1018
                            // (azure), 1017 (aws); none was reported that is free of it again.
                            ubuntu("6.17.0", 1015, Integer.MAX_VALUE),
                            "Ubuntu's 6.17.0 kernels for clouds crash when a ublk device is added"
                                    + " (Launchpad #2154635, actions/runner-images#14175,"
                                    + " longhorn/longhorn#13509)",
                            UPGRADE),
                    new KnownKernel(
                            Harm.HURTS,
                            between("7.2.8", "7.2.8"),
                            "Linux 7.2.8 crashes when a ublk device that was stopped is started"
                                    + " again; ublk4j never does that",
                            "delete devices that other programs have stopped: ublk4j del N"),
                    new KnownKernel(
                            Harm.HURTS,
                            between("6.7.0", "6.7.0"),
                            "Linux 6.7.0 was seen to crash when the server of a recoverable ublk"
                                    + " device dies (spdk/spdk#3384)",
                            "add devices without --recovery, or " + UPGRADE),
                    new KnownKernel(
                            Harm.HURTS,
                            // What candidates have, the release has too.
                            kernel ->
                                    !kernel.version().isBefore(7, 0)
                                            && kernel.version().isBefore(7, 4),
                            "Linux 7.0 to 7.3 may crash when the server of a device in batches"
                                    + " (--mode ...,batch) is killed while the device is in use",
                            "serve without batches, or end such a server with: ublk4j del N"),
                    new KnownKernel(
                            Harm.SPARES,
                            // QUIESCE_DEV came with 6.16.
                            kernel ->
                                    !kernel.version().isBefore(6, 16)
                                            && kernel.version().isBefore(7, 4),
                            "QUIESCE_DEV of Linux 6.16 to 7.3 leaves commands of the server behind;"
                                    + " ublk4j quiesce does not wait for them, and repeats the"
                                    + " command when it is refused with EBUSY or EINTR",
                            ""),
                    new KnownKernel(
                            Harm.HAS_NO_UBLK,
                            kernel ->
                                    kernel.release().toLowerCase(Locale.ROOT).contains("microsoft"),
                            "the WSL kernel has no ublk",
                            "export to a guest or over NBD (ublk4j export --help), " + VM),
                    new KnownKernel(
                            Harm.HAS_NO_UBLK,
                            kernel -> kernel.release().contains(".el9"),
                            "the kernel of RHEL 9 and its derivatives has no ublk",
                            "use release 10, " + VM));

    private static final Pattern UBUNTU = Pattern.compile("(\\d+\\.\\d+\\.\\d+)-(\\d+)-[a-z].*");

    private static Predicate<KernelIdentity> between(String first, String last) {
        KernelVersion from = KernelVersion.parse(first);
        KernelVersion to = KernelVersion.parse(last);
        return kernel -> {
            KernelVersion version = kernel.version();
            return !isCandidate(kernel.release())
                    && from.compareTo(version) <= 0
                    && version.compareTo(to) <= 0;
        };
    }

    /** A candidate for 6.7.0 is 6.7.0-rc1, and has what 6.7.0 has or not. */
    private static boolean isCandidate(String release) {
        return release.contains("-rc");
    }

    /**
     * Kernels that Ubuntu has built: their third number stays, and a number of their own counts.
     */
    private static Predicate<KernelIdentity> ubuntu(String base, int first, int last) {
        return kernel -> {
            Matcher matcher = UBUNTU.matcher(kernel.release());
            if (!kernel.banner().contains("Ubuntu") || !matcher.matches()) {
                return false;
            }
            long number = Long.parseLong(matcher.group(2));
            return matcher.group(1).equals(base) && first <= number && number <= last;
        };
    }

    /** {@return what is known of a kernel} */
    static List<KnownKernel> of(KernelIdentity kernel) {
        return ALL.stream().filter(known -> known.fits.test(kernel)).toList();
    }

    /** {@return what a kernel does when a device is added, where it is known to crash} */
    static Optional<KnownKernel> crashing(KernelIdentity kernel) {
        return of(kernel).stream().filter(known -> known.harm == Harm.CRASHES).findFirst();
    }

    Finding finding() {
        return switch (harm) {
            case SPARES -> Finding.ok("kernel", text);
            case HURTS -> Finding.warn("kernel", text, remedy);
            case CRASHES, HAS_NO_UBLK -> Finding.fail("kernel", text, remedy);
        };
    }
}
