package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a recipe counts is what the kernel's own probes count. */
@Tag("kernel")
@Timeout(value = 9, unit = TimeUnit.MINUTES)
final class RecipeProbeTest {
    private final KernelProbes probes;

    RecipeProbeTest() throws IOException {
        probes = KernelProbes.open();
    }

    @AfterEach
    void close() throws IOException {
        probes.close();
    }

    @Test
    void theKernelAgreesOnWhatIsSharedWithAJavaProgram() throws IOException {
        KernelProbes.Counts before = probes.read();
        Recipe recipe = Recipe.run("jvm mapped");
        KernelProbes.Counts kernel = probes.read().since(before);

        assertThat(recipe.shared()).isPositive();
        assertThat(kernel.hits()).as("hits").isEqualTo(recipe.shared());
        // Without a shared buffer the kernel does not look for one, so only copies are all there.
        assertThat(kernel.copies()).as("copies").isEqualTo(recipe.copied());
    }
}
