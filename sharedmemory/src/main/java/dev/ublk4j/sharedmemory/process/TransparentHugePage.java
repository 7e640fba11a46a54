package dev.ublk4j.sharedmemory.process;

import dev.ublk4j.linux.Pages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A huge page that the kernel makes of ordinary ones by itself. */
final class TransparentHugePage {
    /** Its bytes; those of an ordinary page where the kernel makes none. */
    static final long SIZE = size();

    private TransparentHugePage() {}

    private static long size() {
        try {
            Path file = Path.of("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");
            return Long.parseLong(Files.readString(file).strip());
        } catch (IOException | NumberFormatException e) {
            return Pages.SIZE;
        }
    }
}
