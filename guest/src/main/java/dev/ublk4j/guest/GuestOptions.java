package dev.ublk4j.guest;

import dev.ublk4j.crash.LabDisk;
import dev.ublk4j.server.Target;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** What a guest has, and how long it may take. */
public final class GuestOptions {
    /** As many as fit a kernel's command line. */
    static final int MOST_DISKS = 64;

    private static final long SMALLEST_MEMORY = 64L << 20;
    private static final int MOST_OUTPUT = 16 << 20;

    private final List<Target> disks = new ArrayList<>();
    private final List<Path> folders = new ArrayList<>();
    private final List<String> arguments = new ArrayList<>();
    private long memory = 256L << 20;
    private Duration bootLimit = Duration.ofSeconds(60);
    private Duration commandLimit = Duration.ofSeconds(60);
    private int outputLimit = 1 << 20;
    private Consumer<String> marks = _ -> {};

    private GuestOptions() {}

    private GuestOptions(GuestOptions other) {
        disks.addAll(other.disks);
        folders.addAll(other.folders);
        arguments.addAll(other.arguments);
        memory = other.memory;
        bootLimit = other.bootLimit;
        commandLimit = other.commandLimit;
        outputLimit = other.outputLimit;
        marks = other.marks;
    }

    /**
     * {@return 256 MiB of memory without disks; a minute to boot, and a minute for each command}
     */
    public static GuestOptions defaults() {
        return new GuestOptions();
    }

    /**
     * {@return the same with one more disk: {@code /dev/vda}, {@code /dev/vdb} and so on}
     *
     * @param disk of a recording, or one that a power cut left; {@link GuestLinux#insert} changes
     *     it for another
     */
    public GuestOptions withDisk(LabDisk disk) {
        return withTarget(new Slot(disk.size(), disk));
    }

    /**
     * {@return the same with one more disk, a target of any kind}
     *
     * @param disk remains the caller's, who closes it when the guest is off
     */
    public GuestOptions withDisk(Target disk) {
        return withTarget(new LentTarget(disk));
    }

    /**
     * {@return the same with one more disk, an empty one that {@link GuestLinux#insert} changes for
     * others}
     *
     * @param bytes the size of all that will be inserted, a multiple of 512
     */
    public GuestOptions withSlot(long bytes) {
        return withTarget(new Slot(bytes, null));
    }

    private GuestOptions withTarget(Target target) {
        if (disks.size() == MOST_DISKS) {
            throw new IllegalArgumentException(
                    "a guest has %d disks at most".formatted(MOST_DISKS));
        }
        GuestOptions options = new GuestOptions(this);
        options.disks.add(target);
        return options;
    }

    /**
     * {@return the same, where a folder of the host can be written} All else of the host can only
     * be read, and {@code /tmp}, {@code /var/tmp}, {@code /run}, {@code /mnt} and {@code /dev} are
     * the guest's own.
     *
     * @param folder an absolute path, the same in the guest
     */
    public GuestOptions withFolder(Path folder) {
        String name = folder.toString();
        if (!folder.isAbsolute() || name.indexOf('\n') >= 0 || name.indexOf(',') >= 0) {
            throw new IllegalArgumentException(
                    "not an absolute path without commas and line breaks: " + folder);
        }
        GuestOptions options = new GuestOptions(this);
        options.folders.add(folder);
        return options;
    }

    /** {@return the same with another amount of memory} */
    public GuestOptions withMemory(long bytes) {
        if (bytes < SMALLEST_MEMORY) {
            throw new IllegalArgumentException(
                    "a guest takes %d bytes of memory at least: %d"
                            .formatted(SMALLEST_MEMORY, bytes));
        }
        GuestOptions options = new GuestOptions(this);
        options.memory = bytes;
        return options;
    }

    /** {@return the same with one more argument for the kernel} */
    public GuestOptions withKernelArgument(String argument) {
        GuestOptions options = new GuestOptions(this);
        options.arguments.add(argument);
        return options;
    }

    /** {@return the same with another time that the guest may take to boot} */
    public GuestOptions withBootLimit(Duration limit) {
        GuestOptions options = new GuestOptions(this);
        options.bootLimit = positive(limit);
        return options;
    }

    /** {@return the same with another time that a command may take} */
    public GuestOptions withCommandLimit(Duration limit) {
        GuestOptions options = new GuestOptions(this);
        options.commandLimit = positive(limit);
        return options;
    }

    private static Duration positive(Duration limit) {
        if (!limit.isPositive()) {
            throw new IllegalArgumentException("a limit of time is positive: " + limit);
        }
        return limit;
    }

    /** {@return the same with another number of bytes that are kept of a command's output} */
    public GuestOptions withOutputLimit(int bytes) {
        if (bytes < 0 || bytes > MOST_OUTPUT) {
            throw new IllegalArgumentException(
                    "output is limited to at most %d bytes: %d".formatted(MOST_OUTPUT, bytes));
        }
        GuestOptions options = new GuestOptions(this);
        options.outputLimit = bytes;
        return options;
    }

    /**
     * {@return the same, where the guest's program {@code mark TEXT} tells the host} What it says
     * has been done in the guest before: {@code withMarks(lab::mark)} has a program in the guest
     * note what it has promised. It may come after requests that were sent later than it, so what
     * is found may be newer by more than one promise.
     *
     * @param receiver is called with the text, on a thread of the guest; what it throws is told by
     *     the next command to end. A command ends after its marks have been received; a guest that
     *     ends waits for a second at most, and interrupts the receiver then
     */
    public GuestOptions withMarks(Consumer<String> receiver) {
        GuestOptions options = new GuestOptions(this);
        options.marks = receiver;
        return options;
    }

    List<Target> disks() {
        return disks;
    }

    List<Path> folders() {
        return folders;
    }

    List<String> arguments() {
        return arguments;
    }

    long memory() {
        return memory;
    }

    Duration bootLimit() {
        return bootLimit;
    }

    Duration commandLimit() {
        return commandLimit;
    }

    int outputLimit() {
        return outputLimit;
    }

    Consumer<String> marks() {
        return marks;
    }
}
