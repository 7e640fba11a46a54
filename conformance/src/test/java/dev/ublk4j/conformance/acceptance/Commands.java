package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.lane.Pause;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Scripts that have the command line as {@code ublk4j}, and a folder for its files and theirs. */
final class Commands {
    private static final Pattern PID = Pattern.compile("\"pid\":(\\d+)");
    private static final String DEVICE = "/dev/ublkb";

    private final Path folder;
    private final List<String> before;

    Commands(Path folder) {
        this(folder, List.of());
    }

    /**
     * The same where the command line, but not the script around it, runs in another way.
     *
     * @param before the words before its own, such as those of {@code setpriv}
     */
    Commands(Path folder, List<String> before) {
        this.folder = folder;
        this.before = List.copyOf(before);
    }

    /** {@return what a script printed, which must succeed} */
    String run(String script) {
        return Shell.run(prelude() + script);
    }

    /** {@return how a script ended} */
    Shell.Outcome tryRun(String script) {
        return Shell.tryRun(prelude() + script);
    }

    /** {@return the number of the device that {@code ublk4j add} makes of such arguments} */
    int add(String arguments) {
        String device = run("ublk4j add " + arguments).strip();
        assertThat(device).startsWith(DEVICE);
        return Integer.parseInt(device.substring(DEVICE.length()));
    }

    /** Kills the server of a device, and waits until it is gone. */
    void killServer(int device) throws IOException {
        Matcher pid = PID.matcher(Files.readString(folder.resolve("run/" + device + ".json")));
        assertThat(pid.find()).isTrue();
        ProcessHandle server = ProcessHandle.of(Long.parseLong(pid.group(1))).orElseThrow();
        server.destroyForcibly();
        Pause.until("the server is gone", () -> !server.isAlive());
    }

    /** Starts a script that goes on by itself. */
    Process start(String script, Path output) throws IOException {
        return Shell.start(prelude() + script, output);
    }

    /**
     * Starts the command line itself, in the folder, with no shell around it.
     *
     * @param output where it prints
     */
    Process startAlone(Path output, String... words) throws IOException {
        List<String> line = new ArrayList<>(java());
        line.addAll(List.of(words));
        ProcessBuilder builder =
                new ProcessBuilder(line)
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile());
        builder.environment().put("UBLK4J_RUN", folder.resolve("run").toString());
        return builder.start();
    }

    private static List<String> java() {
        return List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx256m",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.ublk4j.cli.Main");
    }

    private String prelude() {
        String words =
                Stream.concat(
                                Stream.of("command"),
                                Stream.concat(before.stream(), java().stream())
                                        .map(word -> "'" + word + "'"))
                        .collect(Collectors.joining(" "));
        return """
        set -e -o pipefail
        export UBLK4J_RUN=%1$s/run
        ublk4j() { %2$s "$@"; }
        cd %1$s
        """
                .formatted(folder, words);
    }
}
