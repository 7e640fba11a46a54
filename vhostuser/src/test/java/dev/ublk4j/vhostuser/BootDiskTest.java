package dev.ublk4j.vhostuser;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** QEMU's firmware uses the disk: a whole guest, in a second, without a kernel. */
final class BootDiskTest {
    private static final int DISK_BYTES = 1 << 20;
    private static final int ROUNDS = 200;

    /** Reads the second sector to an odd address, and prints the text there. */
    private static final String PRINT_TEXT =
            "fa 31c0 8ed8 8ec0 8ed0 bc007c fb" // cli; ds, es, ss = 0; sp = 0x7c00; sti
                    + " bb0190 b80102 b90200 b600 cd13" // read sector 2 to 0x9001: int 0x13
                    + " 7211" // failed: to mov al, 1
                    + " be0190 baf803" // si = 0x9001; dx = 0x3f8
                    + " ac 84c0 7403 ee ebf8" // print up to the zero
                    + " b010 eb02 b001" // al = 0x10, or 1
                    + " "
                    + TestMachine.END;

    /**
     * Fills the second page of sectors with the number of the round, reads it back, compares, and
     * prints a dot; 199 rounds.
     */
    private static final String WRITE_AND_VERIFY =
            "fa 31c0 8ed8 8ec0 8ed0 bc007c fb fc" // cli; ds, es, ss = 0; sp = 0x7c00; sti; cld
                    + " bd0100" // bp = 1
                    + " 89e8 bf0090 b90010 f3aa" // 4096 bytes of bp at 0x9000
                    + " b80803 bb0090 b90900 ba8000 cd13" // write 8 sectors from the 9th on
                    + " 7237" // failed: to mov al, 1
                    + " 31c0 bf0090 b90010 f3aa" // 4096 bytes of 0
                    + " b80802 bb0090 b90900 ba8000 cd13" // read them
                    + " 721d" // failed
                    + " 89e8 bf0090 b90010 f3ae" // compare with bp
                    + " 7511" // not what was written
                    + " baf803 b02e ee" // print a dot
                    + " 45 81fdc800 72b3" // bp + 1, while less than 200
                    + " b010 eb02 b001" // al = 0x10, or 1
                    + " "
                    + TestMachine.END;

    @TempDir private Path folder;

    @Test
    void aMachineBootsFromTheDisk() throws Exception {
        byte[] image = TestMachine.image(DISK_BYTES, PRINT_TEXT);
        byte[] text = "booted from the second sector\n".getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(text, 0, image, TestMachine.SECTOR, text.length);
        Path file = Files.write(folder.resolve("boot.img"), image);
        FileTarget target =
                new FileTarget(BackingFile.open(file, BackingFile.Caching.DIRECT, false));
        try (TestExport disk = new TestExport(target, 1, folder);
                TestMachine machine = new TestMachine(disk.socket(), folder)) {
            machine.awaitEnd();
            assertThat(machine.said().strip()).isEqualTo("booted from the second sector");
            // The boot sector went where the firmware wanted it, the other one by a detour.
            assertThat(disk.export.counters().hits()).isPositive();
            assertThat(disk.export.bounces()).isOne();
        }
        assertThat(Files.readAllBytes(file)).isEqualTo(image);
    }

    /** With a request out that has been done, and then with one that has not. */
    @Test
    void aMachinesIoGoesOnWhenTheProcessThatServesItsDiskIsKilledAndStartedAgain()
            throws Exception {
        Path file =
                Files.write(
                        folder.resolve("boot.img"),
                        TestMachine.image(DISK_BYTES, WRITE_AND_VERIFY));
        Path socket = folder.resolve("x.sock");
        KillableExport server = KillableExport.holding(1, 51, socket, file, folder);
        try (TestMachine machine = new TestMachine(socket, folder)) {
            server.awaitHeld();
            server.kill();
            server = KillableExport.holding(1, 60, socket, file, folder);
            server.awaitHeld();
            server.kill();
            assertThat(server.doneAgain()).as("requests of the first process").isOne();
            server = KillableExport.holdingNothing(socket, file, folder);
            machine.awaitEnd();
            assertThat(server.doneAgain()).as("requests of the second process").isOne();
            assertThat(machine.said()).isEqualTo(".".repeat(ROUNDS - 1));
        } finally {
            server.kill();
        }
        byte[] written = Arrays.copyOfRange(Files.readAllBytes(file), 4096, 2 * 4096);
        assertThat(written).containsOnly(ROUNDS - 1);
    }
}
