package dev.ublk4j.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RoundTripTest {
    private static final long SIZE = 16 << 20;

    @Test
    void whatIsWrittenIsReadBack() {
        EmbeddedDriver driver = EmbeddedDriver.create();
        Commands commands = new Commands(driver);
        try (Arena arena = Arena.ofShared()) {
            int id = commands.add(1, 16, 0);
            assertThat(id).isZero();
            assertThat(commands.setParams(id, Commands.params(SIZE))).isZero();
            try (RamServer server = new RamServer(driver, id, 1, 16, arena.allocate(SIZE))) {
                assertThat(commands.start(id)).isZero();
                try (Disk disk = driver.openBlock(id)) {
                    MemorySegment out = arena.allocate(3 << 20, 4096);
                    byte[] random = new byte[3 << 20];
                    new Random(1).nextBytes(random);
                    out.copyFrom(MemorySegment.ofArray(random));
                    assertThat(disk.write(out, 4096)).isEqualTo(3 << 20);
                    MemorySegment in = arena.allocate(3 << 20, 4096);
                    assertThat(disk.read(in, 4096)).isEqualTo(3 << 20);
                    assertThat(in.mismatch(out)).isEqualTo(-1);
                    assertThat(server.served.get()).isEqualTo(6);
                }
                assertThat(commands.stop(id)).isZero();
                server.join();
            }
            assertThat(commands.delete(id)).isZero();
        }
    }
}
