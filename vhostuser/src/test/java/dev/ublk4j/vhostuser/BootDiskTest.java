package dev.ublk4j.vhostuser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** QEMU's firmware boots from the disk: a whole guest, in a second, without a kernel. */
final class BootDiskTest {
    private static final String QEMU = "qemu-system-x86_64";
    private static final int SECTOR = 512;
    private static final int DISK_BYTES = 1 << 20;

    /** What QEMU ends with when the guest writes 0x10 to the debug port. */
    private static final int DONE = 0x10 << 1 | 1;

    /**
     * Reads the second sector to an odd address, prints the text there to the serial line, and ends
     * the machine.
     */
    private static final String BOOT_SECTOR =
            "fa 31c0 8ed8 8ec0 8ed0 bc007c fb" // cli; ds, es, ss = 0; sp = 0x7c00; sti
                    + " bb0190 b80102 b90200 b600 cd13" // read sector 2 to 0x9001: int 0x13
                    + " 7211" // failed: to mov al, 1
                    + " be0190 baf803" // si = 0x9001; dx = 0x3f8
                    + " ac 84c0 7403 ee ebf8" // print up to the zero
                    + " b010 eb02 b001" // al = 0x10, or 1
                    + " baf400 ee" // out 0xf4, al
                    + " f4 ebfd"; // hlt, again and again

    @TempDir private Path folder;

    @BeforeEach
    void qemuIsHere() throws Exception {
        Process which = new ProcessBuilder("which", QEMU).redirectErrorStream(true).start();
        which.getInputStream().readAllBytes();
        assumeTrue(which.waitFor() == 0, QEMU + " is not installed (qemu-system-x86)");
    }

    private Path image(String text) throws IOException {
        byte[] image = new byte[DISK_BYTES];
        byte[] code = HexFormat.of().parseHex(BOOT_SECTOR.replace(" ", ""));
        System.arraycopy(code, 0, image, 0, code.length);
        image[SECTOR - 2] = 0x55;
        image[SECTOR - 1] = (byte) 0xaa;
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(bytes, 0, image, SECTOR, bytes.length);
        return Files.write(folder.resolve("boot.img"), image);
    }

    @Test
    void aMachineBootsFromTheDisk() throws Exception {
        Path file = image("booted from the second sector\n");
        Path serial = folder.resolve("serial");
        Path log = folder.resolve("qemu.log");
        FileTarget target =
                new FileTarget(BackingFile.open(file, BackingFile.Caching.DIRECT, false));
        try (TestExport disk = new TestExport(target, 1, folder)) {
            Process machine =
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
                                    "socket,id=disk,path=" + disk.socket() + ",reconnect=1",
                                    "-device",
                                    "vhost-user-blk-pci,chardev=disk,num-queues=1,bootindex=0",
                                    "-serial",
                                    "file:" + serial,
                                    "-device",
                                    "isa-debug-exit,iobase=0xf4,iosize=1")
                            .redirectErrorStream(true)
                            .redirectOutput(log.toFile())
                            .start();
            try {
                assertThat(machine.waitFor(50, TimeUnit.SECONDS)).as("the guest ends").isTrue();
            } finally {
                machine.destroyForcibly();
            }
            assertThat(machine.exitValue()).as(Files.readString(log)).isEqualTo(DONE);
            assertThat(Files.readAllLines(serial).stream().map(String::strip))
                    .containsExactly("booted from the second sector");
            // The boot sector went where the firmware wanted it, the other one by a detour.
            assertThat(disk.export.counters().hits()).isPositive();
            assertThat(disk.export.bounces()).isOne();
        }
        assertThat(Arrays.copyOf(Files.readAllBytes(file), 2)).startsWith(0xfa, 0x31);
    }
}
