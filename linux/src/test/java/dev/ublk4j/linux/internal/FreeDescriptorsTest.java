package dev.ublk4j.linux.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class FreeDescriptorsTest {
    /** Run with a limit of its own; whoever loads a class then needs no descriptor any more. */
    static final class Main {
        public static void main(String[] arguments) throws IOException {
            int most = 0;
            while (FreeDescriptors.areAtLeast(most + 1)) {
                most++;
            }
            System.out.println(most);
        }
    }

    private static int freeOf(int limit) throws Exception {
        Process process =
                new ProcessBuilder(
                                "prlimit",
                                "--nofile=" + limit,
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-XX:-MaxFDLimit",
                                "-cp",
                                System.getProperty("java.class.path")
                                        + ":"
                                        + System.getProperty("jdk.module.path", ""),
                                Main.class.getName())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        String output = new String(process.getInputStream().readAllBytes()).strip();
        assertThat(process.waitFor()).isZero();
        return Integer.parseInt(output);
    }

    @Test
    @Timeout(60)
    void countsWhatTheLimitLeavesOfThoseThatAreOpen() throws Exception {
        int free = freeOf(100);
        assertThat(free).isBetween(50, 97);
        assertThat(freeOf(200)).isEqualTo(free + 100);
    }
}
