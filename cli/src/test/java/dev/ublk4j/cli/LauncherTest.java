package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The launcher, in a tree of its own that has been built, with a JDK that says what it is given.
 */
@DisplayName("The launcher")
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class LauncherTest {
    private static final String JAVA =
            """
            #!/bin/bash
            echo "lang ${LC_ALL-none} ${LC_CTYPE-none}" || exit 1
            echo "home $HOME"
            [[ -w /proc/self/fd/0 && ! /proc/self/fd/0 -ef /dev/null ]] && echo "input is a file"
            [[ /proc/self/fd/2 -ef /dev/null ]] && echo "errors go nowhere"
            [[ " $* " == *" -Dublk4j.launcher=3 "* ]] && echo "in the background"
            [[ -e /proc/self/fd/9 ]] && echo "has a descriptor of the caller's"
            [[ " $* " == *" -XX:+ExitOnOutOfMemoryError "* ]] && echo "ends without memory"
            [[ " $* " == *" live "* ]] && echo 7 >&3
            [[ " $* " == *" stays "* ]] && exec sleep 240 >/dev/null 2>&1
            [[ " $* " == *" fails "* ]] && exit 9
            exit 0
            """;

    /**
     * Where the tree is moved to before it is run: to a name with a letter that the locale of this
     * JVM may not have, so the shell writes it.
     */
    private static final String ELSEWHERE = "$'tr\\303\\251e'";

    @TempDir Path folder;
    private Path tree;

    @BeforeEach
    void copy() throws IOException {
        tree = Files.createDirectories(folder.resolve("tree"));
        Path source = DocumentedCommands.root();
        for (String name : new String[] {"ublk4j", "mvnw"}) {
            Files.copy(
                    source.resolve(name), tree.resolve(name), StandardCopyOption.COPY_ATTRIBUTES);
        }
        Files.createDirectories(tree.resolve("scripts"));
        for (String name : new String[] {"check-owner", "hand-over"}) {
            Files.copy(
                    source.resolve("scripts").resolve(name),
                    tree.resolve("scripts").resolve(name),
                    StandardCopyOption.COPY_ATTRIBUTES);
        }
        Files.createDirectories(tree.resolve("jdk/bin"));
        program("scripts/java-home", "#!/bin/bash\necho \"${BASH_SOURCE%/scripts/*}/jdk\"\n");
        program("jdk/bin/java", JAVA);
    }

    private void program(String name, String text) throws IOException {
        Path file = Files.writeString(tree.resolve(name), text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private void build() throws IOException {
        Files.createDirectories(tree.resolve("cli/target/lib"));
        Files.createFile(tree.resolve("cli/target/ublk4j-cli-1.jar"));
        Files.createFile(tree.resolve("cli/target/lib/a.jar"));
    }

    private Program run(Map<String, String> environment, String script) throws Exception {
        ProcessBuilder builder =
                new ProcessBuilder(
                                "bash",
                                "-c",
                                "mv tree %1$s && cd %1$s && { %2$s\n}".formatted(ELSEWHERE, script))
                        .directory(folder.toFile())
                        .redirectOutput(folder.resolve("out").toFile())
                        .redirectError(folder.resolve("err").toFile());
        builder.environment().clear();
        builder.environment().put("PATH", "/usr/bin:/bin");
        builder.environment().put("UBLK4J_NO_BUILD", "1");
        builder.environment().putAll(environment);
        int status = builder.start().waitFor();
        return new Program(status, text("out"), text("err"));
    }

    private String text(String name) throws IOException {
        return new String(Files.readAllBytes(folder.resolve(name)), StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @CsvSource({
        "LC_ALL, C, C.UTF-8 none",
        "LC_ALL, POSIX, C.UTF-8 none",
        "LANG, C, none C.UTF-8",
        "LC_CTYPE, C, none C.UTF-8",
        "LANG, xx_YY.UTF-8, none C.UTF-8",
        "HOME, /h, none C.UTF-8",
        "LC_ALL, C.UTF-8, C.UTF-8 none",
        "LC_CTYPE, C.UTF-8, none C.UTF-8"
    })
    void asksForUtf8WhereTheLocaleHasNoLetters(String name, String value, String given)
            throws Exception {
        build();

        assertThat(run(Map.of(name, value), "./ublk4j list").out()).contains("lang " + given);
    }

    @Test
    void findsAHomeWhereNoneIsSet() throws Exception {
        build();

        assertThat(run(Map.of(), "./ublk4j list").out())
                .contains("home " + System.getProperty("user.home"));
    }

    @Test
    void endsACopyThatIsOutOfMemoryAndNoServer() throws Exception {
        build();
        String word = "ends without memory";

        assertThat(run(Map.of(), "./ublk4j copy a.img b.img; ./ublk4j export nbd a.img").out())
                .containsOnlyOnce(word);
    }

    @Test
    void opensWhatIsClosedSoThatNoFileOfTheServerTakesItsPlace() throws Exception {
        build();

        Program program = run(Map.of(), "./ublk4j list <&- 2>&-; ./ublk4j list >&- || echo failed");

        assertThat(program.out()).contains("errors go nowhere", "failed").doesNotContain("a file");
    }

    @ParameterizedTest
    @CsvSource({
        "add live, 7, true",
        "recover live, 7, true",
        "add fails, 9, true",
        "add --foreground fails, 9, false",
        "list fails, 9, false"
    })
    void endsAsTheServerTellsItToOrAsTheServerDoes(String words, int status, boolean inBackground)
            throws Exception {
        build();

        Program program = run(Map.of(), "./ublk4j " + words);

        assertThat(program.status()).isEqualTo(status);
        assertThat(program.out().contains("in the background")).isEqualTo(inBackground);
    }

    @Test
    void leavesNothingOfItsCallerOpenInTheBackground() throws Exception {
        build();

        Program program = run(Map.of(), "./ublk4j add live 9>lock");

        assertThat(program.status()).isEqualTo(7);
        assertThat(program.out()).contains("in the background").doesNotContain("descriptor");
    }

    @ParameterizedTest
    @CsvSource({"TERM, 15", "INT, 2", "HUP, 1"})
    void takesAServerAlongThatNobodyWaitsForAnyMore(String signal, int number) throws Exception {
        build();

        // What a shell starts in the background ignores Ctrl-C, and with nohup the end of a
        // session.
        Program program =
                run(
                        Map.of("SIGNAL", signal),
                        "env --default-signal=INT,HUP ./ublk4j add stays >seen & command=$!;"
                                + " until grep -q background seen; do sleep 0.1; done; sleep 0.5;"
                                + " kill -$SIGNAL $command; wait $command");

        assertThat(program.status()).isEqualTo(128 + number);
    }

    @Test
    void saysWhatToDoWhereAnotherHasBuilt() throws Exception {
        Files.createDirectories(tree.resolve("cli/target/classes"));
        Files.createFile(tree.resolve("cli/target/classes/A.class"));
        Files.setPosixFilePermissions(
                tree.resolve("cli/target/classes/A.class"),
                PosixFilePermissions.fromString("r--r--r--"));
        // Root may write to everything: it is asked as somebody else.
        boolean isRoot = System.getProperty("user.name").equals("root");
        if (isRoot) {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        String as = isRoot ? "setpriv --reuid 65534 --clear-groups " : "";

        Program program = run(Map.of(), as + "scripts/check-owner");

        assertThat(program.err().lines())
                .singleElement()
                .asString()
                .contains("cli/target", " belongs to ", "sudo chown -R ");
        assertThat(program.status()).isEqualTo(1);
    }
}
