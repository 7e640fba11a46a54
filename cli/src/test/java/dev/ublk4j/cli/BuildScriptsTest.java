package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code mvnw} in a tree of its own, on a machine that has no more than what the path of the test
 * names, and with a Maven that is a script.
 */
@DisplayName("The build")
class BuildScriptsTest {
    /** What the scripts run. */
    private static final String TOOLS =
            "bash readlink realpath dirname mktemp mkdir chmod chown mv rm tr sed stat tar gzip find id"
                    + " sha512sum cat touch setpriv";

    private static final String MAVEN =
            """
            #!/bin/bash
            printf 'maven \\e[1m%s\\e[m\\n' "$*"
            [[ " $* " != *" package "* ]] || { mkdir -p cli/target/classes && touch cli/target/classes/A.class; }
            [[ " $* " != *" failing "* ]]
            """;

    @TempDir Path folder;
    private Path tree;
    private Path path;

    @BeforeEach
    void makeTree() throws Exception {
        tree = Files.createDirectories(folder.resolve("tree"));
        Path source = DocumentedCommands.root();
        Files.createDirectories(tree.resolve("scripts"));
        for (String name : new String[] {"mvnw", "scripts/check-owner", "scripts/hand-over"}) {
            Files.copy(
                    source.resolve(name), tree.resolve(name), StandardCopyOption.COPY_ATTRIBUTES);
        }
        // What is installed on the machine of the test is nowhere.
        Path wrapper = tree.resolve("mvnw");
        Files.writeString(
                wrapper,
                Files.readString(wrapper)
                        .replace("/usr/share/maven/", folder + "/share/")
                        .replace("/opt/maven/", folder + "/opt/"));
        program(tree.resolve("scripts/java-home"), "#!/bin/bash\necho /jdk\n");
        path = Files.createDirectories(folder.resolve("bin"));
        for (String tool : TOOLS.split(" ")) {
            link(tool);
        }
    }

    private void link(String tool) throws IOException {
        for (String place : new String[] {"/usr/bin", "/bin", "/usr/sbin"}) {
            if (Files.isExecutable(Path.of(place, tool)) && !Files.exists(path.resolve(tool))) {
                Files.createSymbolicLink(path.resolve(tool), Path.of(place, tool));
            }
        }
    }

    private static void program(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private Path home() {
        return folder.resolve("home");
    }

    private Path pinned() throws IOException {
        String script = Files.readString(tree.resolve("mvnw"));
        String version = script.replaceAll("(?s).*\nversion=([0-9.]+)\n.*", "$1");
        return home().resolve(".m2/wrapper/dists/apache-maven-" + version);
    }

    private Program mvnw(Map<String, String> environment, String... arguments) throws Exception {
        Map<String, String> all = new HashMap<>(environment);
        all.putIfAbsent("HOME", Files.createDirectories(home()).toString());
        all.put("PATH", path.toString());
        all.put("MAVEN_HOME", folder + "/none");
        all.put("M2_HOME", folder + "/none");
        return run(all, "./mvnw " + String.join(" ", arguments));
    }

    private Program run(Map<String, String> environment, String script) throws Exception {
        ProcessBuilder builder =
                new ProcessBuilder("/bin/bash", "-c", script)
                        .directory(tree.toFile())
                        .redirectOutput(folder.resolve("out").toFile())
                        .redirectError(folder.resolve("err").toFile());
        builder.environment().clear();
        builder.environment().putAll(environment);
        int status = builder.start().waitFor();
        // What takes the escapes out writes for a moment longer.
        for (int i = 0; i < 600 && status == 0 && text("out").isEmpty(); i++) {
            Thread.sleep(100);
        }
        return new Program(status, text("out"), text("err"));
    }

    private String text(String name) throws IOException {
        return new String(Files.readAllBytes(folder.resolve(name)), StandardCharsets.UTF_8);
    }

    private static boolean isRoot() {
        return System.getProperty("user.name").equals("root");
    }

    @Test
    void saysWhatToInstallWhereThereIsNoMaven() throws Exception {
        Program program = mvnw(Map.of(), "verify");

        assertThat(program.status()).isEqualTo(1);
        assertThat(program.err())
                .contains("mvnw: fetching Maven ")
                .contains("no Maven to start from; type: sudo apt-get install maven")
                .contains("MVNW_REPOURL");
        assertThat(program.out()).isEmpty();
        assertThat(pinned().getParent()).isEmptyDirectory();
    }

    @ParameterizedTest
    @ValueSource(strings = {"curl", "wget"})
    void takesNothingFromARepositoryThatIsNotWhatItShouldBe(String tool) throws Exception {
        program(
                path.resolve(tool),
                "#!/bin/bash\nwhile [[ $1 != -o && $1 != -O ]]; do shift; done; echo fake >\"$2\"\n");

        Program program = mvnw(Map.of("MVNW_REPOURL", "https://repository.invalid/x/"), "verify");

        assertThat(program.err())
                .contains("https://repository.invalid/x/org/apache/maven/apache-maven/")
                .contains("is not what it should be");
        assertThat(program.status()).isEqualTo(1);
        assertThat(pinned()).doesNotExist();
    }

    @Test
    void asksTheMirrorOfTheSettingsWhereThereIsNoMaven() throws Exception {
        Files.createDirectories(home().resolve(".m2"));
        Files.writeString(
                home().resolve(".m2/settings.xml"),
                """
                <settings><mirrors><mirror>
                  <id>x</id><url> https://mirror.invalid/maven </url>
                </mirror></mirrors></settings>
                """);
        program(path.resolve("curl"), "#!/bin/bash\necho \"asked ${@: -1}\" >&2; exit 1\n");

        assertThat(mvnw(Map.of(), "verify").err())
                .contains("asked https://mirror.invalid/maven/org/apache/maven/apache-maven/");
    }

    @Test
    void unpacksTheMavenOfARepositoryOnce() throws Exception {
        Path content = Files.createDirectories(folder.resolve("content"));
        program(content.resolve(pinned().getFileName() + "/bin/mvn"), MAVEN);
        Path archive = folder.resolve("maven.tar.gz");
        assertThat(
                        run(
                                        Map.of("PATH", "/usr/bin:/bin"),
                                        "tar -czf %s -C %s . && echo done && sum=$(sha512sum <%s)"
                                                        .formatted(archive, content, archive)
                                                + " && sed -i \"s/^checksum=.*/checksum=${sum%% *}/\" mvnw")
                                .status())
                .isZero();
        program(
                path.resolve("curl"),
                "#!/bin/bash\nwhile [[ $1 != -o ]]; do shift; done; cat %s >\"$2\"\n"
                        .formatted(archive));
        Map<String, String> environment = Map.of("MVNW_REPOURL", "https://repository.invalid");

        Program first = mvnw(environment, "verify");
        Program second = mvnw(Map.of(), "verify");

        assertThat(first.out()).isEqualTo("maven -Dstyle.color=never verify\n");
        assertThat(first.err()).contains("fetching Maven");
        assertThat(second.out()).isEqualTo(first.out());
        assertThat(second.err()).isEmpty();
    }

    @Test
    void printsNoEscapesWhereNobodySeesThemAndEndsAsMavenDoes() throws Exception {
        program(pinned().resolve("bin/mvn"), MAVEN);

        assertThat(mvnw(Map.of("TERM", "xterm"), "verify").out())
                .isEqualTo("maven -Dstyle.color=never verify\n");
        assertThat(mvnw(Map.of(), "failing").status()).isEqualTo(1);
    }

    @Test
    void ofRootInTheTreeOfAUserLeavesNothingThatIsRoots() throws Exception {
        assumeTrue(isRoot(), "only root builds for others");
        program(pinned().resolve("bin/mvn"), MAVEN);
        assertThat(run(Map.of("PATH", "/usr/bin:/bin"), "chown -R 65534 . && echo done").status())
                .isZero();

        for (String words : new String[] {"package", "package failing"}) {
            Program program = mvnw(Map.of(), words);

            assertThat(program.status()).isEqualTo(words.equals("package") ? 0 : 1);
            for (String built : new String[] {"cli/target", "cli/target/classes/A.class"}) {
                assertThat(Files.getAttribute(tree.resolve(built), "unix:uid"))
                        .as(built)
                        .isEqualTo(65534);
            }
        }
    }

    @Test
    void handsOverOnlyWhatIsRootsAndFollowsNoLink() throws Exception {
        assumeTrue(isRoot(), "only root hands over");
        Path elsewhere = Files.writeString(folder.resolve("elsewhere"), "root's");
        Path target = Files.createDirectories(tree.resolve("cli/target"));
        Files.createSymbolicLink(target.resolve("link"), elsewhere);
        Files.writeString(target.resolve("others"), "");
        Files.writeString(target.resolve("roots"), "");
        Map<String, String> environment = Map.of("PATH", "/usr/bin:/bin");
        assertThat(
                        run(
                                        environment,
                                        "chown 65534 . && chown 12345 cli/target/others"
                                                + " && scripts/hand-over && echo done")
                                .status())
                .isZero();

        assertThat(Files.getAttribute(target.resolve("roots"), "unix:uid")).isEqualTo(65534);
        assertThat(Files.getAttribute(target.resolve("others"), "unix:uid")).isEqualTo(12345);
        assertThat(Files.getAttribute(elsewhere, "unix:uid")).isEqualTo(0);
    }
}
