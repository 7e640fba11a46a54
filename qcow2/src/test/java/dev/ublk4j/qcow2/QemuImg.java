package dev.ublk4j.qcow2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** QEMU's own tools, the yardstick of the format. */
final class QemuImg {
    private QemuImg() {}

    /** Skips the test where they are not there. */
    static void require() {
        boolean isThere =
                Arrays.stream(System.getenv("PATH").split(":"))
                        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "qemu-img")));
        assumeTrue(isThere, "qemu-img is not installed (apt-get install qemu-utils)");
    }

    /** {@return what qemu-img prints}; it must succeed */
    static String run(Path folder, Object... words) {
        Result result = tryRun(folder, "qemu-img", words);
        assertThat(result.status).as(result.output).isZero();
        return result.output;
    }

    /** Has qemu-io do something to an image. */
    static void io(Path image, String... commands) {
        Object[] words = new Object[2 * commands.length + 3];
        words[0] = "-f";
        words[1] = "qcow2";
        for (int i = 0; i < commands.length; i++) {
            words[2 + 2 * i] = "-c";
            words[3 + 2 * i] = commands[i];
        }
        words[words.length - 1] = image;
        Result result = tryRun(image.getParent(), "qemu-io", words);
        assertThat(result.status).as(result.output).isZero();
        assertThat(result.output).doesNotContain("failed");
    }

    record Result(int status, String output) {}

    static Result tryRun(Path folder, String tool, Object... words) {
        try {
            String[] all = new String[words.length + 1];
            all[0] = tool;
            for (int i = 0; i < words.length; i++) {
                all[i + 1] = words[i].toString();
            }
            Process process =
                    new ProcessBuilder(all)
                            .directory(folder.toFile())
                            .redirectErrorStream(true)
                            .start();
            process.getOutputStream().close();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Result(process.waitFor(), output);
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** Requires that an image has neither errors nor leaks. */
    static void check(Path image) {
        Result result = tryRun(image.getParent(), "qemu-img", "check", "-f", "qcow2", image);
        assertThat(result.output).contains("No errors were found on the image");
        assertThat(result.status).as(result.output).isZero();
    }

    /** Requires that an image has no errors; clusters that are counted and not used are none. */
    static void checkAfterCrash(Path image) {
        Result result;
        do {
            // The kernel lets go of a killed server's locks when it has taken its io_uring down.
            result = tryRun(image.getParent(), "qemu-img", "check", "-f", "qcow2", image);
        } while (result.output.contains("Failed to lock"));
        // 3: leaks, and nothing else.
        assertThat(List.of(0, 3)).as(result.output).contains(result.status);
        assertThat(result.output).doesNotContain("ERROR");
    }

    /** Requires that two images have the same content. */
    static void compare(Path image, String otherFormat, Path other) {
        run(image.getParent(), "compare", "-f", "qcow2", "-F", otherFormat, image, other);
    }
}
