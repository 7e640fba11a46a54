package com.example;

import dev.ublk4j.crash.CrashFailure;
import dev.ublk4j.crash.CrashLab;
import dev.ublk4j.crash.CrashOptions;
import dev.ublk4j.crash.CrashReport;
import dev.ublk4j.crash.LabDisk;

/** A crash test without a test framework: a program that fails when a power cut loses something. */
public final class PowerCuts {
    private PowerCuts() {}

    /** A block of two numbers that must be the same, each in a sector of its own. */
    static void write(LabDisk disk, int number) {
        byte[] block = new byte[1024];
        block[0] = (byte) number;
        block[512] = (byte) number;
        disk.write(number % 2 * 1024L, block);
        disk.flush();
    }

    /** The larger number of the two blocks, of which the other may be torn. */
    static int read(LabDisk disk) {
        int found = 0;
        for (int i = 0; i < 2; i++) {
            byte[] block = disk.read(i * 1024L, 1024);
            if (block[0] == block[512]) {
                found = Math.max(found, block[0]);
            }
        }
        return found;
    }

    public static void main(String[] arguments) throws Exception {
        try (CrashLab lab = CrashLab.create(CrashOptions.defaults().withSize(4096))) {
            lab.record(disk -> {
                for (int i = 1; i <= 100; i++) {
                    write(disk, i);
                    lab.mark(i);
                }
            });
            CrashReport report = lab.eachCrash(disk -> {
                int promised = (int) disk.lastMark().orElse(0);
                if (read(disk) < promised) {
                    throw new IllegalStateException(promised + " was promised");
                }
            });
            System.out.println("nothing is lost in " + report);
        } catch (CrashFailure e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }
}
