package dev.ublk4j.linux.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.linux.call.Syscall;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class MemoryReclaimTest {
    @Test
    void aProcessKeepsItsMemoryAndItsLaterThreadsDoNotWaitForIo() throws Exception {
        assumeTrue(Syscall.call(Syscall.Call.GETUID, 0, 0, 0) == 0, "needs CAP_SYS_RESOURCE");
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx16m",
                                "-XX:+UseSerialGC",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Child.class.getName())
                        .redirectErrorStream(true)
                        .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assumeTrue(!said.contains("EPERM"), said);
        assertThat(process.waitFor()).as(said).isZero();
        assertThat(said).isEqualTo("locked true, later thread true\n");
    }

    /** What runs there. */
    static final class Child {
        private Child() {}

        public static void main(String[] arguments) throws Exception {
            MemoryReclaim.withstand();
            boolean locked =
                    Files.readAllLines(Path.of("/proc/self/status")).stream()
                            .anyMatch(line -> line.matches("VmLck:\\s+[1-9].*"));
            boolean[] later = new boolean[1];
            Thread thread = new Thread(() -> later[0] = MemoryReclaim.isWithstood());
            thread.start();
            thread.join();
            System.out.printf("locked %b, later thread %b%n", locked, later[0]);
        }
    }
}
