package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Programs that know nothing of ublk4j, whose memory is adopted while they run: what is copied
 * before is shared afterwards, as far as the page of the recipes says, and the data is right.
 */
@Tag("kernel")
@Tag("any-kernel")
@Timeout(value = 9, unit = TimeUnit.MINUTES)
final class RecipeTest {
    @Test
    void postgresqlReadsItsTablesIntoAdoptedBuffers() {
        Recipe recipe = Recipe.run("postgresql --scale 5");

        recipe.assertCopied("copied: scan");
        recipe.assertCopied("copied: 300 transactions");
        recipe.assertCopied("copied: checkpoint");
        // A read into buffers that do not follow one another is copied.
        assertThat(recipe.row("adopted: scan").partShared()).isGreaterThan(0.5);
        assertThat(recipe.row("adopted: 300 transactions").shared()).isPositive();
    }

    @Test
    void postgresqlSharesEveryPageWhenItReadsOneByOneAndWritesThemWithoutChecksums() {
        Recipe recipe =
                Recipe.run(
                        "postgresql --scale 5 --no-data-checksums --combine 8kB --target memory");

        recipe.assertCopied("copied: checkpoint");
        // What is left are blocks of the file system, and the log.
        assertThat(recipe.row("adopted: scan").partShared()).isGreaterThan(0.98);
        assertThat(recipe.row("adopted: checkpoint").partShared()).isGreaterThan(0.9);
    }

    @Test
    void aGuestReadsAndWritesThroughItsPageCacheInAdoptedMemory() {
        Recipe recipe = Recipe.run("qemu-guest");

        for (String what : new String[] {"buffered write", "buffered read"}) {
            recipe.assertCopied("copied: " + what);
            Recipe.Row adopted = recipe.row("adopted: " + what);
            // The guest takes some pages for its cache that do not follow one another.
            assertThat(adopted.mibShared()).as(what).isGreaterThan(3 * adopted.mibCopied());
        }
    }

    @Test
    void aJavaProgramIsServedFromWhatItHasMappedAndFromArraysOfAHeapInAFile() {
        Recipe recipe = Recipe.run("jvm mapped direct heap-serial array-serial array-g1");

        for (String kind : new String[] {"mapped", "array-serial", "array-g1"}) {
            recipe.assertCopied(kind + ": copied");
            recipe.assertShared(kind + ": adopted");
        }
        recipe.assertCopied("direct: nothing to adopt");
        // FileChannel copies an array to memory of its own before the kernel sees it.
        recipe.assertCopied("heap-serial: adopted");
    }
}
