package dev.ublk4j.sharing.search;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.FileIdentity;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class SharersTest {
    /** Looks for who has a file, with and without descriptors left. */
    static final class Searcher {
        private Searcher() {}

        /**
         * Prints what it has found.
         *
         * @param arguments the file: two numbers of its device, and its inode
         */
        @SuppressWarnings("SystemOut") // the test reads it
        public static void main(String[] arguments) throws IOException {
            FileIdentity file =
                    new FileIdentity(
                            Integer.parseInt(arguments[0]),
                            Integer.parseInt(arguments[1]),
                            Long.parseLong(arguments[2]));
            System.out.println(search(file));
            List<InputStream> open = new ArrayList<>();
            try {
                while (true) {
                    open.add(new FileInputStream("/dev/null"));
                }
            } catch (IOException e) {
                System.out.println(search(file));
                open.removeLast().close();
                System.out.println(search(file));
            }
            for (InputStream each : open) {
                each.close();
            }
            System.out.println(search(file));
        }

        private static String search(FileIdentity file) {
            try {
                return "found " + Sharers.of(List.of(file)).get(file).size();
            } catch (LinuxException e) {
                return e.errno().name();
            }
        }
    }

    @Test
    void aSearchForWhichThereAreNoDescriptorsFailsAndTakesNobodyForGone() throws IOException {
        try (Arena arena = Arena.ofShared();
                SharedMemory memory = SharedMemory.create("searched", 1 << 16)) {
            memory.map(arena, false);
            FileIdentity file = memory.identity();
            String java = ProcessHandle.current().info().command().orElseThrow();
            Process searcher =
                    new ProcessBuilder(
                                    "sh",
                                    "-c",
                                    "ulimit -n 64; exec \"$@\"",
                                    "sh",
                                    java,
                                    "-XX:+UseSerialGC",
                                    "-XX:TieredStopAtLevel=1",
                                    "--enable-native-access=ALL-UNNAMED",
                                    "-cp",
                                    System.getProperty("java.class.path"),
                                    Searcher.class.getName(),
                                    Integer.toString(file.deviceMajor()),
                                    Integer.toString(file.deviceMinor()),
                                    Long.toString(file.inode()))
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            byte[] said = searcher.getInputStream().readAllBytes();
            // With one descriptor left Java cannot read a folder either, and says not why.
            assertThat(new String(said, StandardCharsets.UTF_8).lines().toList())
                    .containsExactly("found 1", "EMFILE", "EAGAIN", "found 1");
        }
    }
}
