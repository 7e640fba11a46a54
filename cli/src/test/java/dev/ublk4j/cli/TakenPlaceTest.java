package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** An export whose socket is to be where something else is. */
class TakenPlaceTest {
    @TempDir Path folder;

    private Path image;
    private byte[] data;

    @BeforeEach
    void makeImage() throws Exception {
        data = new byte[64 << 10];
        new Random(1).nextBytes(data);
        image = Files.write(folder.resolve("e.img"), data);
    }

    private void assertRefused(String command, String why) throws Exception {
        Object before = Files.getAttribute(image, "unix:ino");

        Program export = Program.shell(folder, command);

        assertThat(export.status()).isEqualTo(1);
        assertThat(export.out()).isEmpty();
        assertThat(export.err().lines()).singleElement().asString().contains(why);
        assertThat(image).hasBinaryContent(data);
        assertThat(Files.getAttribute(image, "unix:ino")).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"vhost-user", "nbd"})
    void leavesTheImageThatItServesAsItIs(String protocol) throws Exception {
        assertRefused(
                "ublk4j export %s --socket e.img file e.img".formatted(protocol),
                "e.img): EADDRINUSE (98), address in use: a regular file is there; it is left alone");
    }

    @ParameterizedTest
    @ValueSource(strings = {"vhost-user", "nbd"})
    void leavesAFileAsItIsThatALinkLeadsTo(String protocol) throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("link"), image);

        assertRefused(
                "ublk4j export %s --socket link memory 1M".formatted(protocol),
                "a symbolic link is there; it is left alone");
        assertThat(Files.isSymbolicLink(link)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"vhost-user", "nbd"})
    void leavesAFolderAsItIs(String protocol) throws Exception {
        Path place = Files.createDirectory(folder.resolve("place"));

        assertRefused(
                "ublk4j export %s --socket place file e.img".formatted(protocol),
                "it is left alone");
        assertThat(Files.isDirectory(place, LinkOption.NOFOLLOW_LINKS)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"vhost-user", "nbd"})
    void saysSoInTheBackgroundToo(String protocol) throws Exception {
        assertRefused(
                "ublk4j export %s --detach --socket e.img file e.img".formatted(protocol),
                "e.img): EADDRINUSE (98), address in use: a regular file is there; it is left alone");
    }

    @ParameterizedTest
    @CsvSource({
        "nbd, e.img, is there already",
        "vhost-user, e.img, is there already",
        "nbd, e.img/run, Not a directory",
        "nbd, /proc/none, no such file"
    })
    void namesTheVariableThatChoosesAnotherFolderOfState(String protocol, String run, String why)
            throws Exception {
        assertRefused(
                "UBLK4J_RUN=%s ublk4j export %s --detach --socket s memory 1M"
                        .formatted(run.startsWith("/") ? run : folder.resolve(run), protocol),
                "set UBLK4J_RUN to use another folder");
        assertThat(Files.readString(folder.resolve("program.err"))).contains(why);
        assertThat(folder.resolve("s")).doesNotExist();
    }
}
