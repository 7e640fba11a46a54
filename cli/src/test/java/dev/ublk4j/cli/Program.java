package dev.ublk4j.cli;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The command in a process of its own, as a shell starts it. */
record Program(int status, String out, String err) {
    /** {@return the command line of a command} */
    static List<String> words(String... arguments) {
        List<String> words = new ArrayList<>();
        words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        words.addAll(
                List.of(
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName()));
        words.addAll(List.of(arguments));
        return words;
    }

    /**
     * Runs a script that has the command as {@code ublk4j}, and waits for its end.
     *
     * @param folder where, and where its files are
     */
    static Program shell(Path folder, String script) throws IOException, InterruptedException {
        File out = folder.resolve("program.out").toFile();
        File err = folder.resolve("program.err").toFile();
        ProcessBuilder builder =
                new ProcessBuilder("bash", "-c", function() + script)
                        .directory(folder.toFile())
                        .redirectOutput(out)
                        .redirectError(err);
        builder.environment().put("UBLK4J_RUN", folder.resolve("run").toString());
        Process process = builder.start();
        if (!process.waitFor(15, TimeUnit.MINUTES)) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
            throw new AssertionError("still running: " + script);
        }
        return new Program(process.exitValue(), text(out), text(err));
    }

    /**
     * Starts the command itself, and does not wait for its end.
     *
     * @param folder where, and where its files are, with program.out and program.err
     */
    static Process start(Path folder, String line) throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(words(line.split(" ", -1)))
                        .directory(folder.toFile())
                        .redirectOutput(folder.resolve("program.out").toFile())
                        .redirectError(folder.resolve("program.err").toFile());
        builder.environment().put("UBLK4J_RUN", folder.resolve("run").toString());
        return builder.start();
    }

    private static String function() {
        StringBuilder line = new StringBuilder("ublk4j() {");
        words().forEach(word -> line.append(" '").append(word).append('\''));
        return line.append(" \"$@\"; }\n").toString();
    }

    private static String text(File file) throws IOException {
        return new String(Files.readAllBytes(file.toPath()), StandardCharsets.UTF_8);
    }
}
