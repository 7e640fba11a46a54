package com.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.ublk4j.crash.CrashFailure;
import dev.ublk4j.crash.CrashLab;
import dev.ublk4j.crash.CrashOptions;
import dev.ublk4j.crash.LabDisk;
import dev.ublk4j.crash.junit.CrashTest;
import java.nio.ByteBuffer;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class TinyStoreTest {
    /** Longer than a sector, so that a record can be torn. */
    private static final String PADDING = "x".repeat(1500);

    private static BlockDevice device(LabDisk disk) {
        return new BlockDevice() {
            @Override
            public byte[] read(long position, int length) {
                return disk.read(position, length);
            }

            @Override
            public void write(long position, byte[] data) {
                disk.write(position, data);
            }

            @Override
            public void flush() {
                disk.flush();
            }
        };
    }

    @CrashTest(size = 64 << 10)
    void acknowledgedWritesSurvive(CrashLab lab) throws Exception {
        lab.record(disk -> put(new TinyStore(device(disk)), lab));
        lab.eachCrash(disk -> check(new TinyStore(device(disk)), disk.lastMark().orElse(0)));
    }

    /** Puts one key again and again, through several generations of the log. */
    private static void put(TinyStore store, CrashLab lab) {
        for (int i = 1; i <= 11; i++) {
            store.put("key", i + PADDING + i);
            lab.mark(i);
        }
    }

    /** The value is that of the last put that returned, or of the one that was under way. */
    private static void check(TinyStore store, Object promised) {
        String value = store.get("key");
        int found = value == null ? 0 : Integer.parseInt(value.substring(0, value.indexOf('x')));
        assertTrue(
                found == (int) promised || found == (int) promised + 1,
                () -> "put " + promised + " has returned, and the store has " + found);
        if (value != null) {
            assertEquals(found + PADDING + found, value, "the value of put " + found);
        }
    }

    @Test
    void aMainWithoutATestFrameworkDoesIt() throws Exception {
        PowerCuts.main(new String[0]);
    }

    private static void assertFound(Function<BlockDevice, TinyStore> wrong) {
        CrashFailure failure =
                assertThrows(
                        CrashFailure.class,
                        () -> {
                            try (CrashLab lab =
                                    CrashLab.create(CrashOptions.defaults().withSize(64 << 10))) {
                                lab.record(disk -> put(wrong.apply(device(disk)), lab));
                                lab.eachCrash(
                                        disk ->
                                                check(
                                                        wrong.apply(device(disk)),
                                                        disk.lastMark().orElse(0)));
                            }
                        });
        System.out.println(failure.getMessage());
    }

    @Test
    void aFlushThatIsMissingIsFound() {
        assertFound(
                disk ->
                        new TinyStore(disk) {
                            @Override
                            void endRecord() {}
                        });
    }

    @Test
    void aLogThatIsEmptiedTooEarlyIsFound() {
        assertFound(
                disk ->
                        new TinyStore(disk) {
                            @Override
                            void endCheckpoint() {}
                        });
    }

    @Test
    void aRecordWithoutAChecksumIsFound() {
        assertFound(
                disk ->
                        new TinyStore(disk) {
                            @Override
                            boolean isWhole(ByteBuffer block) {
                                return block.getLong(0) != 0;
                            }
                        });
    }
}
