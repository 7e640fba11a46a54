package dev.ublk4j.guest;

import dev.ublk4j.crash.LabDisk;
import dev.ublk4j.server.Target;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A Linux kernel in the middle of a test: Debian's user-mode Linux, as a process of the test's own
 * user, with disks that the test serves.
 *
 * {@snippet :
 * lab.record(disk -> {
 *     try (GuestLinux linux = GuestLinux.boot(disk)) {
 *         linux.run("mkfs.ext4 -q /dev/vda && mount /dev/vda /mnt && echo hello >/mnt/file").check();
 *         linux.cutPower();
 *     }
 * });
 * }
 *
 * <p>The guest's root is the host's own, read-only, so it has the host's programs: its {@code mkfs}
 * and {@code fsck}, its databases, its Java. {@code /tmp}, {@code /var/tmp}, {@code /run}, {@code
 * /mnt} and {@code /dev} are in memory and the guest's own; {@link GuestOptions#withFolder} lets it
 * write elsewhere. Programs run as the guest's root, which has no more rights on the host than the
 * user of the test. There is one processor and no network but the loopback. ext4, XFS, Btrfs and
 * F2FS are there, F2FS as a module; RAID 5 and 6 are not.
 *
 * <p>The kernel comes from Debian's archive, once, by {@code apt-get download} into the user's
 * cache; the system property {@code ublk4j.guest.kernel} names a folder to be used instead. It is
 * of the x86-64 kind only.
 *
 * <p>Nothing is left running: the guest ends when it is closed, when its power is cut, and when the
 * process of the test ends in whatever way. Any thread may call any method; commands are run one
 * after the other.
 */
public final class GuestLinux implements AutoCloseable {
    private final GuestOptions options;
    private final ReentrantLock turn = new ReentrantLock();
    private volatile @Nullable Machine machine;

    private GuestLinux(GuestOptions options) {
        this.options = options;
    }

    /**
     * Boots a guest with one disk, {@code /dev/vda}.
     *
     * @param disk of a recording, or one that a power cut left; {@link #insert} changes it for
     *     another
     * @throws GuestException when the guest does not boot; nothing of it is left then
     */
    public static GuestLinux boot(LabDisk disk) throws InterruptedException {
        return boot(GuestOptions.defaults().withDisk(disk));
    }

    /**
     * Boots a guest with one disk, {@code /dev/vda}.
     *
     * @param disk remains the caller's, who closes it after the guest
     * @throws GuestException when the guest does not boot; nothing of it is left then
     */
    public static GuestLinux boot(Target disk) throws InterruptedException {
        return boot(GuestOptions.defaults().withDisk(disk));
    }

    /**
     * Boots a guest.
     *
     * @throws GuestException when the guest does not boot; nothing of it is left then
     */
    public static GuestLinux boot(GuestOptions options) throws InterruptedException {
        GuestLinux linux = new GuestLinux(options);
        linux.powerOn();
        return linux;
    }

    /** {@return whether a guest boots without anything being fetched first} */
    public static boolean isFetched() {
        return GuestKernel.present().isPresent();
    }

    /**
     * Runs a shell's command line in the guest, and waits for it. Programs that it leaves in the
     * background go on.
     *
     * @return how it ended, well or not
     * @throws GuestException when it does not end within the {@linkplain
     *     GuestOptions#withCommandLimit limit}, which ends the command; when the kernel dies, or
     *     its power is cut meanwhile
     * @throws InterruptedException when this thread is interrupted, which cuts the power
     */
    public CommandResult run(String command) throws InterruptedException {
        return run(command, options.commandLimit());
    }

    /**
     * Runs a shell's command line in the guest, and waits for it: {@link #run(String)}.
     *
     * @param limit how long it may take
     */
    public CommandResult run(String command, Duration limit) throws InterruptedException {
        return ask(on -> on.run(command, limit));
    }

    /**
     * Mounts a disk. Does what the program {@code mount} does in a tenth of its time, for tests
     * that look at many disks.
     *
     * @param number 0 for {@code /dev/vda}
     * @param folder where; made if it is not there
     * @param type of the file system, as the kernel names it
     * @param options what the file system takes, without those of {@code mount} itself; or empty
     * @throws dev.ublk4j.linux.LinuxException when the kernel refuses, with its errno
     */
    public void mount(int number, String folder, String type, String options)
            throws InterruptedException {
        ask(on -> {
            on.mount(number, folder, type, options);
            return true;
        });
    }

    /**
     * Unmounts a file system.
     *
     * @throws dev.ublk4j.linux.LinuxException when the kernel refuses, with its errno
     */
    public void unmount(String folder) throws InterruptedException {
        ask(on -> {
            on.unmount(folder);
            return true;
        });
    }

    /**
     * {@return the content of a file in the guest}
     *
     * @throws dev.ublk4j.linux.LinuxException when it cannot be read, with the errno
     * @throws GuestException when it is longer than the {@linkplain GuestOptions#withOutputLimit
     *     limit}
     */
    public byte[] read(String file) throws InterruptedException {
        return ask(on -> on.read(file));
    }

    /** What a guest is asked for. */
    private interface Question<T> {
        T put(Machine on) throws InterruptedException;
    }

    private <T> T ask(Question<T> question) throws InterruptedException {
        turn.lockInterruptibly();
        try {
            Machine on = machine;
            if (on == null) {
                throw new IllegalStateException("the guest is off");
            }
            return question.put(on);
        } catch (InterruptedException e) {
            // Nobody would know what the guest is doing.
            cutPower();
            throw e;
        } finally {
            turn.unlock();
        }
    }

    /**
     * Changes a disk for another, as if the power had been cut and were back with the other one. A
     * guest that does not use the disk goes on and has forgotten the old one, which takes some
     * milliseconds; it is booted again otherwise, and when it is off.
     *
     * @param number 0 for {@code /dev/vda}: a {@link LabDisk} or an empty slot
     * @param disk as large as the old one
     * @throws GuestException when the guest does not boot
     */
    public void insert(int number, LabDisk disk) throws InterruptedException {
        int count = options.disks().size();
        if (number < 0 || number >= count) {
            throw new IllegalArgumentException(
                    "there is no disk %d: the guest has %d".formatted(number, count));
        }
        if (!(options.disks().get(number) instanceof Slot slot)) {
            throw new IllegalArgumentException(
                    "the disk %d is a target that cannot be changed".formatted(number));
        }
        if (disk.size() != slot.size()) {
            throw new IllegalArgumentException(
                    "a disk of %d bytes in a slot for %d".formatted(disk.size(), slot.size()));
        }
        turn.lockInterruptibly();
        try {
            boolean isFree = ejects(number);
            if (!isFree) {
                cutPower();
            }
            slot.put(disk);
            Machine on = machine;
            if (on == null || !on.insert(number)) {
                cutPower();
                powerOn();
            }
        } finally {
            turn.unlock();
        }
    }

    /** Changes the first disk for another: {@link #insert(int, LabDisk)}. */
    public void insert(LabDisk disk) throws InterruptedException {
        insert(0, disk);
    }

    private boolean ejects(int number) throws InterruptedException {
        Machine on = machine;
        try {
            return on != null && on.isAlive() && on.eject(number);
        } catch (GuestException _) {
            // It has died of the old disk, which its command has told: another begins.
            return false;
        }
    }

    /**
     * Boots the guest with the same disks.
     *
     * @throws IllegalStateException when it is on
     * @throws GuestException when it does not boot; nothing of it is left then
     */
    public void powerOn() throws InterruptedException {
        turn.lockInterruptibly();
        try {
            if (machine != null) {
                throw new IllegalStateException("the guest is on");
            }
            machine = Machine.boot(options);
        } finally {
            turn.unlock();
        }
    }

    /**
     * Ends the kernel at once, wherever it is: what it has not sent to its disks is lost. When this
     * returns, the disks have answered what was sent to them. Without effect on a guest that is
     * off.
     */
    public void cutPower() {
        Machine on = machine;
        machine = null;
        if (on != null) {
            on.close();
        }
    }

    /**
     * Has the guest write everything back, unmount its disks and switch itself off. Without effect
     * on a guest that is off.
     *
     * @throws GuestException when it does not in time; it is off nevertheless
     */
    public void powerOff() throws InterruptedException {
        turn.lockInterruptibly();
        try {
            Machine on = machine;
            if (on != null) {
                machine = null;
                on.powerOff();
            }
        } finally {
            turn.unlock();
        }
    }

    /** {@return whether the kernel runs} */
    public boolean isOn() {
        Machine on = machine;
        return on != null && on.isAlive();
    }

    /** {@return the boot that runs, for tests} */
    @Nullable Machine machine() {
        return machine;
    }

    /** Cuts the power. */
    @Override
    public void close() {
        cutPower();
    }
}
