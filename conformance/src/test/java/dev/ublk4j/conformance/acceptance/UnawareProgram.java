package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * A program that uses a device and knows nothing of ublk, controlled by the lines that it reads.
 */
final class UnawareProgram implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;

    private UnawareProgram(Process process) {
        this.process = process;
        this.answers = process.inputReader(StandardCharsets.UTF_8);
    }

    /** {@return a program that has said that it is ready} */
    static UnawareProgram start(List<String> command) {
        try {
            UnawareProgram program =
                    new UnawareProgram(
                            new ProcessBuilder(command)
                                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                                    .start());
            assertThat(program.answer()).as("%s", command).isEqualTo("ready");
            return program;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return a script of Python that runs} */
    static UnawareProgram python(Path folder, String script, String... arguments) {
        assumeTrue(Shell.tryRun("python3 -c 'import mmap'").status() == 0, "there is no Python");
        return start(command(List.of("python3", copy(folder, script).toString()), arguments));
    }

    /** {@return a program of C, compiled, that runs} */
    static UnawareProgram c(Path folder, String source, String... arguments) {
        return start(command(List.of(compile(folder, source).toString()), arguments));
    }

    /** {@return the executable file of a program of C} */
    static Path compile(Path folder, String source) {
        assumeTrue(Shell.tryRun("command -v cc").status() == 0, "there is no C compiler");
        Path program = folder.resolve("unaware");
        Shell.run("cc -O1 -o %s %s".formatted(program, copy(folder, source)));
        return program;
    }

    /** {@return a command with its arguments} */
    static List<String> command(List<String> program, String... arguments) {
        return Stream.concat(program.stream(), Stream.of(arguments)).toList();
    }

    /** {@return a source of the test's resources, as a file} */
    static Path copy(Path folder, String source) {
        Path file = folder.resolve(source);
        try (InputStream text = UnawareProgram.class.getResourceAsStream("/programs/" + source)) {
            Files.write(file, Objects.requireNonNull(text).readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file;
    }

    /** {@return its number} */
    int pid() {
        return (int) process.pid();
    }

    /** {@return the number of the process at the end of the line of its children} */
    int lastPid() {
        return (int)
                process.descendants()
                        .max(Comparator.comparingLong(ProcessHandle::pid))
                        .orElseThrow()
                        .pid();
    }

    /** {@return the answer to an order} */
    String obey(String order) {
        tell(order);
        return answer();
    }

    /** Gives an order without waiting for its end. */
    void tell(String order) {
        try {
            process.outputWriter(StandardCharsets.UTF_8).append(order).append('\n').flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return the next line that it says} */
    String answer() {
        try {
            return String.valueOf(answers.readLine());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Kills it, and waits for its end. */
    void kill() {
        process.destroyForcibly().onExit().join();
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        kill();
    }
}
