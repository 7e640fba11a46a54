package com.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.crash.CrashFailure;
import dev.ublk4j.crash.CrashLab;
import dev.ublk4j.crash.CrashedDisk;
import dev.ublk4j.crash.junit.CrashTest;
import dev.ublk4j.guest.GuestLinux;
import dev.ublk4j.guest.GuestOptions;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;

/** A program that replaces a file of settings, on ext4 in a real kernel. It is a line of shell here; yours may be anything. */
class SettingsTest {
    private static final int SIZE = 32 << 20;

    private static final String RIGHT =
            "echo version $i >/mnt/next && sync /mnt/next && mv /mnt/next /mnt/current && sync /mnt";

    /** It forgets that the new name has to be made durable, too. */
    private static final String WRONG = "echo version $i >/mnt/next && sync /mnt/next && mv /mnt/next /mnt/current";

    @BeforeAll
    static void needsDebian() {
        assumeTrue(Files.exists(Path.of("/usr/bin/apt-get")), "the guest's kernel is a package of Debian");
        assumeTrue(Files.exists(Path.of("/usr/sbin/mkfs.ext4")), "mkfs.ext4 is not installed (e2fsprogs)");
    }

    @CrashTest(size = SIZE, images = 40, tearingAt = 4096)
    void settingsThatWereSavedSurvive(CrashLab lab) throws Exception {
        saveAndCheck(lab, RIGHT);
    }

    @CrashTest(size = SIZE, images = 40, tearingAt = 4096)
    void aMissingSyncIsFound(CrashLab lab) {
        CrashFailure failure = assertThrows(CrashFailure.class, () -> saveAndCheck(lab, WRONG));
        assertTrue(failure.getMessage().contains("power cut"), failure.getMessage());
    }

    private static void saveAndCheck(CrashLab lab, String save) throws Exception {
        try (GuestLinux linux = GuestLinux.boot(GuestOptions.defaults().withSlot(SIZE))) {
            lab.prepare(disk -> {
                linux.insert(disk);
                linux.run("mkfs.ext4 -q /dev/vda").check();
            });
            lab.record(disk -> {
                linux.mount(0, "/mnt", "ext4", "");
                for (int i = 1; i <= 4; i++) {
                    linux.run("i=" + i + "; " + save).check();
                    lab.mark(i); // from now on, version i is promised
                }
                linux.unmount("/mnt");
            });
            lab.eachCrash(disk -> check(linux, disk));
        }
    }

    private static void check(GuestLinux linux, CrashedDisk disk) throws Exception {
        linux.insert(disk);
        linux.mount(0, "/mnt", "ext4", ""); // which recovers the file system
        int promised = (int) disk.lastMark().orElse(0);
        if (promised > 0) {
            String text = new String(linux.read("/mnt/current"), StandardCharsets.UTF_8);
            int version = Integer.parseInt(text.strip().replace("version ", ""));
            assertTrue(version >= promised, () -> "version " + promised + " was saved, and " + version + " is there");
        }
        linux.unmount("/mnt");
    }

    /** Without a search: one cut, at once. */
    @CrashTest(size = SIZE, images = 1)
    void whatWasNotSynchronizedIsLost(CrashLab lab) throws Exception {
        lab.record(disk -> {
            try (GuestLinux linux = GuestLinux.boot(disk)) {
                linux.run("mkfs.ext4 -q /dev/vda && mount /dev/vda /mnt && echo 1 >/mnt/a && sync && echo 2 >/mnt/b").check();
                linux.cutPower();
                linux.powerOn();
                linux.run("mount /dev/vda /mnt").check();
                assertEquals("a\nlost+found\n", linux.run("ls /mnt").output());
            }
        });
    }
}
