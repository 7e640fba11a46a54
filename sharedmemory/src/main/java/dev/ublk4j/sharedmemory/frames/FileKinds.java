package dev.ublk4j.sharedmemory.frames;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.FileIdentity;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharedmemory.process.MappedArea;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Of which files device and inode number say that they are one and the same.
 *
 * <p>What is not known for certain is taken for different.
 */
final class FileKinds {
    /*
     * Where the two numbers do not tell files apart:
     * ----------------------------------------------
     * A segment of System V has its own number for its inode's, on the device of memfds, which count
     * from 1 as well. Subvolumes of btrfs count their inodes each for itself, and /proc/self/maps has
     * one device for all of them; so do the layers of overlayfs, where a file has other pages besides
     * once it has been copied up. A FUSE server gives whatever number it likes. All files without a
     * file system (anon_inode: maps of BPF, perf's buffers) have one inode, and what an offset into a
     * device node means is its driver's affair, and may be another for each who opens it.
     */
    private static final Set<String> FILE_SYSTEMS =
            Set.of("tmpfs", "ramfs", "hugetlbfs", "ext2", "ext3", "ext4", "xfs", "f2fs");

    private static final Path MOUNTS = Path.of("/proc/self/mountinfo");
    private static final Path HUGE_PAGES = Path.of("/sys/kernel/mm/hugepages");
    private static final String SYSTEM_V = "/SYSV";
    private static final String DELETED = " (deleted)";

    /** Devices of the mounts that the kernel has for itself; empty until they are known. */
    private static volatile Set<Long> ofMemfds = Set.of();

    private FileKinds() {}

    /**
     * {@return whether no other file has the device and inode number of what is mapped}
     *
     * @throws LinuxException when there are no descriptors or no memory left to find out
     */
    static boolean tellApart(MappedArea area) {
        FileIdentity file = area.file();
        if (file.inode() == 0) {
            return false;
        }
        if (ofMemfds().contains(device(file))) {
            return !area.name().startsWith(SYSTEM_V);
        }
        return isRegular(area.name()) && FILE_SYSTEMS.contains(fileSystemOf(file));
    }

    private static long device(FileIdentity file) {
        return (long) file.deviceMajor() << 32 | file.deviceMinor();
    }

    /** {@return the devices of memfds, of ordinary pages and of huge ones} */
    private static Set<Long> ofMemfds() {
        Set<Long> known = ofMemfds;
        if (known.isEmpty()) {
            known = new HashSet<>();
            try (SharedMemory memory = SharedMemory.create("kind", 0)) {
                known.add(device(memory.identity()));
            }
            for (long size : hugePageSizes()) {
                addHuge(known, size);
            }
            ofMemfds = known;
        }
        return known;
    }

    private static void addHuge(Set<Long> devices, long size) {
        try (SharedMemory memory = SharedMemory.createHuge("kind", 0, size)) {
            devices.add(device(memory.identity()));
        } catch (LinuxException e) {
            if (e.errno() != Errno.ENODEV && e.errno() != Errno.EINVAL) {
                throw e;
            }
            // No memfd has pages of this size.
        }
    }

    private static List<Long> hugePageSizes() {
        try (var folders = Files.newDirectoryStream(HUGE_PAGES, "hugepages-*kB")) {
            List<Long> sizes = new ArrayList<>();
            for (Path folder : folders) {
                String name = folder.getFileName().toString();
                sizes.add(Long.parseLong(name.replaceAll("\\D", "")) << 10);
            }
            return sizes;
        } catch (IOException e) {
            return List.of(); // a kernel without, or no /sys
        }
    }

    private static boolean isRegular(String name) {
        try {
            return name.endsWith(DELETED) || Files.isRegularFile(Path.of(name));
        } catch (InvalidPathException e) {
            return false; // the name is none in this locale
        }
    }

    /**
     * {@return the type of the file system on a device as it is now, or an empty text}
     *
     * <pre>{@code
     * 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
     * }</pre>
     */
    private static String fileSystemOf(FileIdentity file) {
        String device = " %d:%d ".formatted(file.deviceMajor(), file.deviceMinor());
        for (String line : mounts()) {
            int end = line.indexOf(" - ");
            if (end > 0
                    && line.regionMatches(
                            line.indexOf(' ', line.indexOf(' ') + 1), device, 0, device.length())) {
                String type = line.substring(end + 3);
                return type.substring(0, Math.max(0, type.indexOf(' ')));
            }
        }
        return "";
    }

    private static List<String> mounts() {
        try {
            return Files.readAllLines(MOUNTS, ISO_8859_1);
        } catch (IOException e) {
            return List.of();
        }
    }
}
