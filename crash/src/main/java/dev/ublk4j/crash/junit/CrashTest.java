package dev.ublk4j.crash.junit;

import dev.ublk4j.crash.CrashOptions;
import dev.ublk4j.crash.DiskModel;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A test that gets a {@link dev.ublk4j.crash.CrashLab} as a parameter, which is closed when it
 * ends.
 *
 * {@snippet :
 * @CrashTest
 * void acknowledgedWritesSurvive(CrashLab lab) throws Exception {
 *     lab.record(disk -> new TinyStore(disk).put("key", "value"));
 *     lab.eachCrash(disk -> new TinyStore(disk).check());
 * }
 * }
 */
@SuppressWarnings("exports") // JUnit makes the extension itself.
@Test
@ExtendWith(CrashLabParameter.class)
@Documented
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
public @interface CrashTest {
    /** {@return bytes on the disk: {@link CrashOptions#withSize}} */
    long size() default 1 << 20;

    /** {@return images after which the search ends: {@link CrashOptions#withImages}} */
    long images() default 10_000;

    /** {@return the seed of images that are chosen at random: {@link CrashOptions#withSeed}} */
    long seed() default 1;

    /** {@return milliseconds after which the search ends: {@link CrashOptions#withTimeLimit}} */
    long timeLimitMillis() default 10 * 60_000;

    /**
     * {@return milliseconds that one check may take: {@link CrashOptions#withCheckLimit}} One that
     * takes longer is interrupted, and fails the test.
     */
    long checkLimitMillis() default 10_000;

    /** {@return what the disk does with writes that were not flushed} */
    Cache cache() default Cache.VOLATILE;

    /** {@return bytes that survive together: {@link DiskModel#tearingAt}} */
    int tearingAt() default 512;

    /** The kinds of {@link DiskModel}. */
    enum Cache {
        /** {@link DiskModel#volatileCache}. */
        VOLATILE,
        /** {@link DiskModel#orderedCache}. */
        ORDERED,
        /** {@link DiskModel#noCache}. */
        NONE
    }
}
