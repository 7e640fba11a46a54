package dev.ublk4j.uring;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** The shapes of ring that every kernel test runs with. */
enum RingKind {
    DEFERRED(RingOptions.defaults()),
    SINGLE_ISSUER(RingOptions.defaults().withDeferTaskrun(false)),
    ANY_THREAD(RingOptions.defaults().withSingleIssuer(false)),
    SQE128(RingOptions.defaults().withSqe128(true));

    @SuppressWarnings("ImmutableEnumChecker") // a record of numbers
    private final RingOptions options;

    RingKind(RingOptions options) {
        this.options = options;
    }

    /** {@return options for the test; skips it where the kernel cannot make such a ring} */
    RingOptions options() {
        assumeTrue(RingFeatures.host().available(), "the kernel gives no io_uring");
        assumeTrue(
                !options.sqe128() || RingFeatures.host().sqe128(),
                "the kernel has no 128-byte entries");
        return options;
    }
}
