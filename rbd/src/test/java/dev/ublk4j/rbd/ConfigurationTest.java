package dev.ublk4j.rbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.internal.FreeDescriptors;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is wrong with a configuration or a keyring is named, and where it is. */
@Timeout(300)
class ConfigurationTest {
    @TempDir Path folder;

    private TestCluster cluster;

    @BeforeEach
    void start() {
        cluster = TestCluster.get();
    }

    private AbstractThrowableAssert<?, ?> assertOpening(Path configuration) {
        RbdOptions options =
                cluster.options()
                        .withConfiguration(configuration)
                        .withPatience(Duration.ofSeconds(5));
        return assertThatThrownBy(
                        () -> RbdTarget.open(RbdImageName.parse("rbd/disk"), options).close())
                .isInstanceOf(CephException.class);
    }

    private Path withKeyring(Path keyring) throws IOException {
        Path file = folder.resolve("ceph.conf");
        String text = Files.readString(cluster.configuration());
        return Files.writeString(
                file, text.replaceFirst("(?m)^keyring.*$", "keyring = " + keyring));
    }

    @Test
    void aFolderIsNoConfiguration() {
        assertOpening(folder).hasMessage("Ceph's configuration %s is a folder", folder);
    }

    @Test
    void aFileOfSomethingElseIsNoConfiguration() throws IOException {
        Path file = Files.write(folder.resolve("x"), new byte[] {(byte) 0xff, '[', 'x', '\n'});
        assertOpening(file)
                .hasMessage(
                        "%s is no configuration of Ceph: (22) Invalid argument".formatted(file));
    }

    @Test
    void aConfigurationThatNamesNoMonitorSaysSo() throws IOException {
        assertOpening(Files.createFile(folder.resolve("empty")))
                .hasMessageContaining("the configuration names no monitor");
    }

    @Test
    void aKeyringThatIsNotThereIsNamed() throws IOException {
        Path keyring = folder.resolve("keyring");
        assertOpening(withKeyring(keyring))
                .hasMessageContaining("client.admin")
                .hasMessageContaining(keyring.toString());
    }

    @Test
    void aKeyringThatIsAFolderIsNamed() throws IOException {
        assertOpening(withKeyring(folder))
                .hasMessage(
                        "the key of client.admin cannot be read from %s: (21) Is a directory"
                                .formatted(folder));
    }

    @Test
    void aKeyringWhoseKeyIsNoneIsNamed() throws IOException {
        Path keyring = folder.resolve("keyring");
        Files.writeString(keyring, "[client.admin]\n\tkey = AQBnonsense\n");
        assertOpening(withKeyring(keyring))
                .hasMessageContaining("client.admin")
                .hasMessageContaining(keyring.toString());
    }

    /** Opens an image with few descriptors left, and prints why it cannot. */
    static final class Crowded {
        private Crowded() {}

        static void main(String[] arguments) throws IOException {
            RbdOptions options = RbdOptions.defaults().withConfiguration(Path.of(arguments[0]));
            RbdImageName name = RbdImageName.parse(arguments[1]);
            // Loads the classes, which needs descriptors as well.
            RbdTarget.open(name, options).close();
            List<InputStream> open = new ArrayList<>();
            while (FreeDescriptors.areAtLeast(20)) {
                open.add(Files.newInputStream(Path.of("/dev/null")));
            }
            try {
                RbdTarget.open(name, options).close();
            } catch (CephException e) {
                System.out.println(e.getMessage());
            }
            open.clear();
        }
    }

    /** librbd itself ends the process where it finds none. */
    @Test
    void anImageForWhichTooFewFilesMayBeOpenIsRefused() {
        RbdImageName name = cluster.image("8M");
        String output =
                TestCluster.output(
                        List.of(
                                "sh",
                                "-c",
                                "ulimit -n 256; exec \"$@\"",
                                "sh",
                                WritingServer.java(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Crowded.class.getName(),
                                cluster.configuration().toString(),
                                name.toString()));
        assertThat(output)
                .startsWith("%s: librbd needs 32 more open files".formatted(name))
                .contains("too many open files");
    }
}
