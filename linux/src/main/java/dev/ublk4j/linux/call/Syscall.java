package dev.ublk4j.linux.call;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * A system call by number: the one downcall of ublk4j.
 *
 * <p>All arguments are passed as 64-bit integers, which is how the kernel's entry code reads them;
 * an address is passed as {@link MemorySegment#address()}. One handle for all calls keeps the start
 * of a program short, because linking a handle costs tens of milliseconds and calling it some 90
 * ns.
 */
@SuppressWarnings("restricted") // links the downcall: the reason this class exists
public final class Syscall {
    private static final Linker LINKER = Linker.nativeLinker();

    private static final VarHandle ERRNO =
            Linker.Option.captureStateLayout()
                    .varHandle(MemoryLayout.PathElement.groupElement("errno"));

    /** {@code long syscall(long number, ...)} of the C library. */
    private static final MethodHandle SYSCALL =
            LINKER.downcallHandle(
                    LINKER.defaultLookup().findOrThrow("syscall"),
                    FunctionDescriptor.of(
                            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                            JAVA_LONG, JAVA_LONG),
                    Linker.Option.firstVariadicArg(1),
                    Linker.Option.captureCallState("errno"));

    private static final ThreadLocal<MemorySegment> CAPTURE =
            ThreadLocal.withInitial(
                    () -> Arena.ofAuto().allocate(Linker.Option.captureStateLayout()));

    private Syscall() {}

    /**
     * Makes a system call.
     *
     * @param call which one
     * @return the result of the call, or a negative errno
     */
    public static long call(Call call, long a, long b, long c, long d, long e, long f) {
        MemorySegment capture = CAPTURE.get();
        long result = invoke(capture, call.number(), a, b, c, d, e, f);
        return result == -1 ? -(int) ERRNO.get(capture, 0L) : result;
    }

    /**
     * Makes a system call of up to three arguments; see {@link #call(Call, long, long, long, long,
     * long, long)}.
     */
    public static long call(Call call, long a, long b, long c) {
        return call(call, a, b, c, 0, 0, 0);
    }

    /**
     * Makes a system call of four arguments; see {@link #call(Call, long, long, long, long, long,
     * long)}.
     */
    public static long call(Call call, long a, long b, long c, long d) {
        return call(call, a, b, c, d, 0, 0);
    }

    private static long invoke(
            MemorySegment capture, long number, long a, long b, long c, long d, long e, long f) {
        try {
            return (long) SYSCALL.invokeExact(capture, number, a, b, c, d, e, f);
        } catch (Error | RuntimeException t) {
            throw t; // the heap or the stack has ended before the call
        } catch (Throwable t) {
            throw new AssertionError("a downcall throws nothing that is checked", t);
        }
    }

    /** The calls that ublk4j makes, with their numbers on the two architectures it runs on. */
    public enum Call {
        READ(0, 63),
        WRITE(1, 64),
        CLOSE(3, 57),
        LSEEK(8, 62),
        MMAP(9, 222),
        MUNMAP(11, 215),
        IOCTL(16, 29),
        PREAD64(17, 67),
        PWRITE64(18, 68),
        MADVISE(28, 233),
        GETPID(39, 172),
        SOCKET(41, 198),
        CONNECT(42, 203),
        SENDTO(44, 206),
        SENDMSG(46, 211),
        RECVMSG(47, 212),
        SHUTDOWN(48, 210),
        BIND(49, 200),
        LISTEN(50, 201),
        GETSOCKNAME(51, 204),
        SOCKETPAIR(53, 199),
        SETSOCKOPT(54, 208),
        GETSOCKOPT(55, 209),
        FCNTL(72, 25),
        FLOCK(73, 32),
        FSYNC(74, 82),
        FDATASYNC(75, 83),
        FTRUNCATE(77, 46),
        FCHMOD(91, 52),
        GETUID(102, 174),
        GETGID(104, 176),
        FSTATFS(138, 44),
        MLOCK(149, 228),
        MUNLOCK(150, 229),
        MLOCKALL(151, 230),
        PRCTL(157, 167),
        GETTID(186, 178),
        SCHED_SETAFFINITY(203, 122),
        TGKILL(234, 131),
        OPENAT(257, 56),
        FCHOWNAT(260, 54),
        UNLINKAT(263, 35),
        FCHMODAT(268, 53),
        PPOLL(271, 73),
        FALLOCATE(285, 47),
        ACCEPT4(288, 242),
        EVENTFD2(290, 19),
        DUP3(292, 24),
        PRLIMIT64(302, 261),
        PROCESS_VM_READV(310, 270),
        PROCESS_VM_WRITEV(311, 271),
        MEMFD_CREATE(319, 279),
        STATX(332, 291),
        IO_URING_SETUP(425, 425),
        IO_URING_ENTER(426, 426),
        IO_URING_REGISTER(427, 427),
        PIDFD_OPEN(434, 434);

        private static final boolean AMD64 = "amd64".equals(System.getProperty("os.arch"));

        private final int amd64;
        private final int aarch64;

        Call(int amd64, int aarch64) {
            this.amd64 = amd64;
            this.aarch64 = aarch64;
        }

        /** {@return the number on this machine's architecture} */
        public int number() {
            return AMD64 ? amd64 : aarch64;
        }
    }
}
