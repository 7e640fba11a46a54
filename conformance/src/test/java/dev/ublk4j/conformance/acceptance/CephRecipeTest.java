package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A device over an image of Ceph, with a real cluster in the machine. */
@Tag("kernel")
@Tag("any-kernel")
@Timeout(value = 15, unit = TimeUnit.MINUTES)
final class CephRecipeTest {
    @Test
    void aFileSystemOnAnImageOutlivesItsServerAndWaitsForItsCluster() {
        assertThat(Recipe.output("ceph"))
                .contains("mounted, and mounted again")
                .contains("recovered: ")
                .contains("waited: ")
                .contains("grown: ")
                .contains("mounted as it was")
                .contains("refused, for the image is smaller")
                .contains("deleted: ")
                .contains("told to end: ");
    }
}
