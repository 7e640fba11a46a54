package dev.ublk4j.handover;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SocketFolderTest {
    /** Not even root may make a folder in one that there is not. */
    private static final Path FORBIDDEN = Path.of("/proc/none/ublk");

    @TempDir Path session;

    private Map<String, String> environment() {
        return Map.of("XDG_RUNTIME_DIR", session.toString());
    }

    @Test
    void isThatOfTheMachineForWhoMayWriteThereOrMayMakeIt() throws IOException {
        Path standard = session.resolve("standard");
        assertThat(SocketFolder.own(standard, environment())).isEqualTo(standard);
        Files.createDirectory(standard);
        assertThat(SocketFolder.own(standard, environment())).isEqualTo(standard);
    }

    @Test
    void isInTheFolderOfTheSessionForOthersWhoHaveOne() {
        assertThat(SocketFolder.own(FORBIDDEN, environment())).isEqualTo(session.resolve("ublk"));
        assertThat(SocketFolder.own(FORBIDDEN, Map.of())).isEqualTo(FORBIDDEN);
        assertThat(SocketFolder.own(FORBIDDEN, Map.of("XDG_RUNTIME_DIR", "here")))
                .isEqualTo(FORBIDDEN);
    }

    @Test
    void ofTheUserIsAskedWhereTheMachineHasNoSocket() throws IOException {
        Path own = session.resolve("ublk/ublkb3.sock");
        assertThat(SocketFolder.find(FORBIDDEN, environment(), 3))
                .isEqualTo(FORBIDDEN.resolve("ublkb3.sock"));
        Files.createDirectories(own.getParent());
        Files.createFile(own);
        assertThat(SocketFolder.find(FORBIDDEN, environment(), 3)).isEqualTo(own);
    }
}
