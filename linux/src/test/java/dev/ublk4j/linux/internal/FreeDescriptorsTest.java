package dev.ublk4j.linux.internal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

    /** Run without what its arguments name. */
    static final class Forbidden {
        private static final int PR_SET_SECCOMP = 22;
        private static final int PR_SET_NO_NEW_PRIVS = 38;
        private static final int SECCOMP_MODE_FILTER = 2;

        public static void main(String[] arguments) {
            boolean before = FreeDescriptors.areAtLeast(1 << 20);
            long listed = FreeDescriptors.listed();
            forbid(Integer.parseInt(arguments[1]));
            System.out.println(
                    arguments[0].equals("prlimit64")
                            ? before + " " + FreeDescriptors.areAtLeast(1 << 20)
                            : (listed > 0) + " " + FreeDescriptors.listed());
        }

        private static void check(int option, long value, long address) {
            LinuxException.check(
                    "prctl",
                    "this thread",
                    Syscall.call(Syscall.Call.PRCTL, option, value, address, 0));
        }

        /** Has a system call fail with {@code EPERM} on this thread. */
        private static void forbid(int call) {
            ByteBuffer filter = ByteBuffer.allocate(4 * 8).order(ByteOrder.nativeOrder());
            filter.putShort((short) 0x20).putShort((short) 0).putInt(0); // the call's number
            filter.putShort((short) 0x15).put((byte) 0).put((byte) 1).putInt(call);
            filter.putShort((short) 0x06).putShort((short) 0).putInt(0x0005_0001); // EPERM
            filter.putShort((short) 0x06).putShort((short) 0).putInt(0x7fff_0000); // allowed
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment code = arena.allocateFrom(JAVA_BYTE, filter.array());
                MemorySegment program = arena.allocate(16, 8);
                program.set(JAVA_SHORT, 0, (short) 4);
                program.set(JAVA_LONG, 8, code.address());
                check(PR_SET_NO_NEW_PRIVS, 1, 0);
                check(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program.address());
            }
        }
    }

    private static int freeOf(int limit) throws Exception {
        return Integer.parseInt(run(limit, Main.class));
    }

    private static String run(int limit, Class<?> main, String... arguments) throws Exception {
        List<String> line =
                new ArrayList<>(
                        List.of(
                                "prlimit",
                                "--nofile=" + limit,
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-XX:-MaxFDLimit",
                                "-cp",
                                System.getProperty("java.class.path")
                                        + ":"
                                        + System.getProperty("jdk.module.path", ""),
                                main.getName()));
        line.addAll(List.of(arguments));
        Process process =
                new ProcessBuilder(line).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String output = new String(process.getInputStream().readAllBytes()).strip();
        assertThat(process.waitFor()).isZero();
        return output;
    }

    /** {@return the number of a system call} */
    private static String number(String amd64, String arm64) {
        return System.getProperty("os.arch").equals("amd64") ? amd64 : arm64;
    }

    @Test
    @Timeout(60)
    void areEnoughWhereTheLimitMayNotBeRead() throws Exception {
        assertThat(run(100, Forbidden.class, "prlimit64", number("302", "261")))
                .isEqualTo("false true");
    }

    @Test
    @Timeout(60)
    void areNotCountedWhereThoseThatAreOpenMayNotBeListed() throws Exception {
        assertThat(run(100, Forbidden.class, "getdents64", number("217", "61")))
                .isEqualTo("true 0");
    }

    @Test
    @Timeout(60)
    void countsWhatTheLimitLeavesOfThoseThatAreOpen() throws Exception {
        int free = freeOf(100);
        assertThat(free).isBetween(50, 97);
        assertThat(freeOf(200)).isEqualTo(free + 100);
    }
}
