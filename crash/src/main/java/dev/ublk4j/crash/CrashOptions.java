package dev.ublk4j.crash;

import java.time.Duration;

/** What a {@link CrashLab} records on, and how far it searches. */
public final class CrashOptions {
    private long size = 1 << 20;
    private DiskModel model = DiskModel.volatileCache();
    private long images = 10_000;
    private long seed = 1;
    private Duration timeLimit = Duration.ofMinutes(10);
    private Duration checkLimit = Duration.ofSeconds(10);

    private CrashOptions() {}

    private CrashOptions(CrashOptions other) {
        size = other.size;
        model = other.model;
        images = other.images;
        seed = other.seed;
        timeLimit = other.timeLimit;
        checkLimit = other.checkLimit;
    }

    /** {@return a disk of 1 MiB with a volatile cache, and up to 10,000 images of it} */
    public static CrashOptions defaults() {
        return new CrashOptions();
    }

    /**
     * {@return the same with another size of the disk}
     *
     * @param bytes a multiple of 4096, at most 16 GiB; of zeroes in the beginning
     */
    public CrashOptions withSize(long bytes) {
        if (bytes <= 0 || bytes % 4096 != 0 || bytes > 16L << 30) {
            throw new IllegalArgumentException(
                    "the size of a disk is a multiple of 4096, at most 16 GiB: " + bytes);
        }
        CrashOptions options = new CrashOptions(this);
        options.size = bytes;
        return options;
    }

    /** {@return the same with other promises of the disk} */
    public CrashOptions with(DiskModel other) {
        CrashOptions options = new CrashOptions(this);
        options.model = other;
        return options;
    }

    /** {@return the same with another number of images after which the search ends} */
    public CrashOptions withImages(long most) {
        if (most < 1) {
            throw new IllegalArgumentException("a search is of one image at least: " + most);
        }
        CrashOptions options = new CrashOptions(this);
        options.images = most;
        return options;
    }

    /** {@return the same with another seed of the images that are chosen at random} */
    public CrashOptions withSeed(long other) {
        CrashOptions options = new CrashOptions(this);
        options.seed = other;
        return options;
    }

    /** {@return the same with another time after which the search ends: 10 minutes otherwise} */
    public CrashOptions withTimeLimit(Duration limit) {
        CrashOptions options = new CrashOptions(this);
        options.timeLimit = positive(limit);
        return options;
    }

    /** {@return the same with another time that one check may take: 10 seconds otherwise} */
    public CrashOptions withCheckLimit(Duration limit) {
        CrashOptions options = new CrashOptions(this);
        options.checkLimit = positive(limit);
        return options;
    }

    private static Duration positive(Duration limit) {
        if (!limit.isPositive()) {
            throw new IllegalArgumentException("a limit of time is positive: " + limit);
        }
        return limit;
    }

    long size() {
        return size;
    }

    DiskModel model() {
        return model;
    }

    long images() {
        return images;
    }

    long seed() {
        return seed;
    }

    Duration timeLimit() {
        return timeLimit;
    }

    Duration checkLimit() {
        return checkLimit;
    }
}
