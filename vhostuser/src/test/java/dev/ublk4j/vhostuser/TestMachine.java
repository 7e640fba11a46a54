package dev.ublk4j.vhostuser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/**
 * A machine of QEMU without a kernel: its firmware boots what the first sector of the disk holds,
 * in a second.
 */
final class TestMachine implements AutoCloseable {
    static final int SECTOR = 512;

    private static final String QEMU = "qemu-system-x86_64";

    /** What QEMU ends with when the guest writes 0x10 to the debug port. */
    private static final int DONE = 0x10 << 1 | 1;

    /** Ends the machine with what is in al. */
    static final String END = "baf400 ee f4 ebfd"; // out 0xf4, al; hlt, again and again

    private final Process machine;
    private final Path serial;
    private final Path log;

    /**
     * Starts one, where QEMU is installed.
     *
     * @param disk where it is served
     * @param folder for what the machine says
     */
    TestMachine(Path disk, Path folder) throws Exception {
        Process which = new ProcessBuilder("which", QEMU).redirectErrorStream(true).start();
        which.getInputStream().readAllBytes();
        assumeTrue(which.waitFor() == 0, QEMU + " is not installed (qemu-system-x86)");
        serial = folder.resolve("serial");
        log = folder.resolve("qemu.log");
        machine =
                new ProcessBuilder(
                                QEMU,
                                "-nodefaults",
                                "-no-user-config",
                                "-no-reboot",
                                "-display",
                                "none",
                                "-machine",
                                "q35,memory-backend=memory",
                                "-m",
                                "64M",
                                "-object",
                                "memory-backend-memfd,id=memory,size=64M,share=on",
                                "-chardev",
                                "socket,id=disk,path=" + disk + ",reconnect=1",
                                "-device",
                                "vhost-user-blk-pci,chardev=disk,num-queues=1,bootindex=0",
                                "-serial",
                                "file:" + serial,
                                "-device",
                                "isa-debug-exit,iobase=0xf4,iosize=1")
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
    }

    /** {@return a disk that boots a program, in the machine's language as hexadecimal digits} */
    static byte[] image(int bytes, String program) {
        byte[] image = new byte[bytes];
        byte[] code = HexFormat.of().parseHex(program.replace(" ", ""));
        System.arraycopy(code, 0, image, 0, code.length);
        image[SECTOR - 2] = 0x55;
        image[SECTOR - 1] = (byte) 0xaa;
        return image;
    }

    /** {@return what the machine has sent over its serial line so far} */
    String said() throws IOException {
        return Files.exists(serial) ? Files.readString(serial, StandardCharsets.ISO_8859_1) : "";
    }

    /** Waits until the machine has ended, with success. */
    void awaitEnd() throws Exception {
        assertThat(machine.waitFor(4, TimeUnit.MINUTES)).as("the machine ends: " + said()).isTrue();
        assertThat(machine.exitValue()).as(Files.readString(log)).isEqualTo(DONE);
    }

    @Override
    public void close() {
        machine.destroyForcibly();
    }
}
