package dev.ublk4j.linux;

import dev.ublk4j.linux.call.FileName;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;

/** A file descriptor and the duty to close it. */
public final class Fd implements AutoCloseable {
    /** Open for reading only. */
    public static final int O_RDONLY = 0;

    /** Open for writing only. */
    public static final int O_WRONLY = 1;

    /** Open for reading and writing. */
    public static final int O_RDWR = 2;

    /** Create the file where there is none. */
    public static final int O_CREAT = 0x40;

    /** Fail where the file is there already; on a block device, where it is in use. */
    public static final int O_EXCL = 0x80;

    /** Write at the end, wherever that is by then. */
    public static final int O_APPEND = 0x400;

    /** Bypass the page cache. */
    public static final int O_DIRECT =
            "amd64".equals(System.getProperty("os.arch")) ? 0x4000 : 0x10000;

    /** Open a folder, and nothing else. */
    public static final int O_DIRECTORY =
            "amd64".equals(System.getProperty("os.arch")) ? 0x10000 : 0x4000;

    /** Do not follow a symbolic link. */
    public static final int O_NOFOLLOW =
            "amd64".equals(System.getProperty("os.arch")) ? 0x20000 : 0x8000;

    /** Name a file without opening what is behind it, whatever its kind is. */
    public static final int O_PATH = 0x200000;

    /** Close on exec; always set. */
    public static final int O_CLOEXEC = 0x80000;

    /** Seek data. */
    public static final int SEEK_DATA = 3;

    /** Seek a hole; the end of the file counts as one. */
    public static final int SEEK_HOLE = 4;

    private static final int AT_FDCWD = -100;

    /** {@code FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE} of {@code linux/falloc.h}. */
    private static final int PUNCH_HOLE = 3;

    private final int number;
    private final String name;
    private final AtomicBoolean closed = new AtomicBoolean();

    private Fd(int number, String name) {
        this.number = number;
        this.name = name;
    }

    /**
     * Takes over a descriptor that a call answered.
     *
     * @param number the open descriptor
     * @param name what it is, for messages
     */
    public static Fd own(int number, String name) {
        return new Fd(number, name);
    }

    /**
     * Opens a file.
     *
     * @param flags {@code O_...} flags; {@link #O_CLOEXEC} is added
     * @throws LinuxException when the kernel refuses
     */
    public static Fd open(Path path, int flags) {
        return open(path, flags, 0);
    }

    /**
     * Opens a file, creating it with the given permissions where {@link #O_CREAT} asks for it.
     *
     * @param mode permission bits of a file that is created
     * @throws LinuxException when the kernel refuses
     */
    public static Fd open(Path path, int flags, int mode) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name =
                    arena.allocateFrom(ValueLayout.JAVA_BYTE, FileName.terminated(path.toString()));
            long answer;
            do {
                answer =
                        Syscall.call(
                                Syscall.Call.OPENAT,
                                AT_FDCWD,
                                name.address(),
                                flags | O_CLOEXEC,
                                mode);
            } while (answer == Errno.EINTR.negated());
            return new Fd(
                    (int) LinuxException.check("openat", path.toString(), answer), path.toString());
        }
    }

    /** {@return the number} */
    public int number() {
        assert !closed.get() : this;
        return number;
    }

    /** {@return what was opened, for messages} */
    public String name() {
        return name;
    }

    /**
     * {@return the bytes read at an offset, fewer than asked at the end of the file, or a negative
     * errno}
     */
    public long pread(MemorySegment buffer, long offset) {
        return pread(buffer, 0, buffer.byteSize(), offset);
    }

    /**
     * As {@link #pread(MemorySegment, long)}, into a part of a buffer, which need not be sliced for
     * it.
     *
     * @param at where the part begins in the buffer
     * @param length its bytes
     * @throws IndexOutOfBoundsException when the buffer does not have them
     */
    public long pread(MemorySegment buffer, long at, long length, long offset) {
        Objects.checkFromIndexSize(at, length, buffer.byteSize());
        return Syscall.call(Syscall.Call.PREAD64, number(), buffer.address() + at, length, offset);
    }

    /** {@return the bytes written at an offset, or a negative errno} */
    public long pwrite(MemorySegment buffer, long offset) {
        return pwrite(buffer, 0, buffer.byteSize(), offset);
    }

    /**
     * As {@link #pwrite(MemorySegment, long)}, from a part of a buffer, which need not be sliced
     * for it.
     *
     * @param at where the part begins in the buffer
     * @param length its bytes
     * @throws IndexOutOfBoundsException when the buffer does not have them
     */
    public long pwrite(MemorySegment buffer, long at, long length, long offset) {
        Objects.checkFromIndexSize(at, length, buffer.byteSize());
        return Syscall.call(Syscall.Call.PWRITE64, number(), buffer.address() + at, length, offset);
    }

    /** {@return 0 once what was written is durable, or a negative errno ({@code fdatasync})} */
    public long syncData() {
        return Syscall.call(Syscall.Call.FDATASYNC, number(), 0, 0);
    }

    /** {@return the result of {@code ioctl}, or a negative errno} */
    public long ioctl(long request, MemorySegment argument) {
        return Syscall.call(Syscall.Call.IOCTL, number(), request, argument.address());
    }

    /**
     * {@return where the file has data next, or a hole, from an offset on; or a negative errno,
     * {@code ENXIO} when there is none} It moves the file's position, which nothing here uses.
     *
     * @param offset bytes
     * @param whence {@link #SEEK_DATA} or {@link #SEEK_HOLE}
     */
    public long seek(long offset, int whence) {
        return Syscall.call(Syscall.Call.LSEEK, number(), offset, whence);
    }

    /**
     * Sets the length of the file.
     *
     * @throws LinuxException when the kernel refuses
     */
    public void truncate(long lengthBytes) {
        LinuxException.check(
                "ftruncate", name, Syscall.call(Syscall.Call.FTRUNCATE, number(), lengthBytes, 0));
    }

    /**
     * Makes what has been written to the file durable ({@code fdatasync}).
     *
     * @throws LinuxException when the kernel refuses
     */
    public void sync() {
        long answer;
        do {
            answer = Syscall.call(Syscall.Call.FDATASYNC, number(), 0, 0);
        } while (answer == Errno.EINTR.negated());
        LinuxException.check("fdatasync", name, answer);
    }

    /**
     * {@return 0 when the space of a range has been given back, which then reads as zeroes ({@code
     * FALLOC_FL_PUNCH_HOLE}), or a negative errno} The length of the file stays.
     */
    public long punch(long offset, long bytes) {
        return Syscall.call(Syscall.Call.FALLOCATE, number(), PUNCH_HOLE, offset, bytes);
    }

    /** {@return whether {@link #close} has been called} */
    public boolean isClosed() {
        return closed.get();
    }

    /**
     * Has another descriptor of this process name what this one does, in place of what it named
     * before ({@code dup3}): one of the standard streams, which programs that are started take
     * over.
     *
     * @throws LinuxException when the kernel refuses
     */
    public void standInFor(int descriptor) {
        long answer;
        do {
            answer = Syscall.call(Syscall.Call.DUP3, number, descriptor, 0);
        } while (answer == Errno.EINTR.negated() || answer == Errno.EBUSY.negated());
        LinuxException.check("dup3", this + " for " + descriptor, answer);
    }

    /** Closes the descriptor; a second call does nothing. */
    @Override
    public void close() {
        // The kernel frees the number even when close answers an error, so there is nothing to
        // retry.
        if (closed.compareAndSet(false, true)) {
            long answer = Syscall.call(Syscall.Call.CLOSE, number, 0, 0);
            assert answer != Errno.EBADF.negated() : "closed behind our back: " + this;
        }
    }

    @Override
    public String toString() {
        return "fd " + number + " (" + name + (closed.get() ? ", closed)" : ")");
    }
}
