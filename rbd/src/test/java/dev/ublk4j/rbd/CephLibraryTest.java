package dev.ublk4j.rbd;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Libraries of Ceph that are not there, or too old. */
class CephLibraryTest {
    @Test
    void ofOneThatIsMissingThePackageIsNamed() {
        assertThatThrownBy(() -> CephLibrary.load("librbd.so.never", "librbd1"))
                .isInstanceOf(MissingLibraryException.class)
                .hasMessage(
                        "Ceph's library librbd.so.never is not installed; to install it: sudo apt-get"
                                + " install librbd1, or dnf install librbd1");
    }

    @Test
    void ofOneThatIsTooOldTheReleaseIsNamed() {
        assertThatThrownBy(() -> CephLibrary.requireYoung(_ -> Optional.empty()))
                .isInstanceOf(MissingLibraryException.class)
                .hasMessageContaining("librbd.so.1 is too old")
                .hasMessageContaining("install librbd1 of Ceph 15 or later");
    }
}
