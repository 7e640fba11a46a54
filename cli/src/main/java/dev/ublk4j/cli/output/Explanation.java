package dev.ublk4j.cli.output;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.driver.MissingFeatureException;
import dev.ublk4j.handover.HandoverException;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.internal.LockedMemory;
import dev.ublk4j.rbd.CephException;
import dev.ublk4j.rbd.MissingLibraryException;
import dev.ublk4j.targets.UnfitFileException;
import dev.ublk4j.uapi.ControlCommand;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import org.jspecify.annotations.Nullable;

/** What an error means to a person, on one line, with what to type where that is known. */
public final class Explanation {
    private static final String CONTROL = "/dev/ublk-control";
    private static final String ADD = ControlCommand.ADD_DEV.cName();

    /** Of plain users; before Linux 6.15 of everybody. */
    private static final String TOO_MANY =
            "the driver has reached its limit of devices; see"
                    + " /sys/module/ublk_drv/parameters/ublks_max";

    private Explanation() {}

    /** {@return one line about an error} */
    public static String of(Throwable error) {
        String text =
                switch (error) {
                    case Failure failure -> failure.getMessage();
                    case ControlTimeoutException timeout ->
                            "the driver did not complete a command in time: "
                                    + timeout.getMessage();
                    case MissingFeatureException missing -> missing.getMessage();
                    case HandoverException refused -> refused.text();
                    case CephException refused -> refused.getMessage();
                    case MissingLibraryException missing -> missing.getMessage();
                    case LinuxException refused -> ofRefusal(refused);
                    case UnfitFileException unfit -> unfit.getMessage();
                    case IllegalArgumentException wrong -> wrong.getMessage();
                    case UnsupportedOperationException unable -> unable.getMessage();
                    case NoSuchFileException missing -> "no such file: " + missing.getFile();
                    case AccessDeniedException denied -> "no permission for " + denied.getFile();
                    case FileAlreadyExistsException there -> there.getFile() + " is there already";
                    case DirectoryNotEmptyException full ->
                            full.getFile() + " is a folder that is not empty";
                    case UncheckedIOException failed -> ofWrapped(failed);
                    case IOException failed -> failed.getMessage();
                    case OutOfMemoryError none -> ofMemory(none);
                    case LinkageError missing -> ofClasses(missing);
                    default -> unexpected(error);
                };
        return text == null ? "no reason given" : Visible.of(text.strip());
    }

    /** {@return a text of several lines, which are parts of one sentence, on one} */
    public static String oneLine(@Nullable String text) {
        return text == null
                ? "no reason given"
                : Visible.of(text.strip().replaceAll("\\s*\\R\\s*", "; "));
    }

    /** One that only carries its cause has that one's name in its text. */
    private static @Nullable String ofWrapped(UncheckedIOException failed) {
        Throwable cause = failed.getCause();
        return cause != null && cause.toString().equals(failed.getMessage())
                ? of(cause)
                : failed.getMessage();
    }

    /**
     * {@return whether an error is one of those that befall a user, rather than a fault of ours}
     */
    public static boolean isKnown(Throwable error) {
        return error instanceof Failure
                || error instanceof ControlTimeoutException
                || error instanceof HandoverException
                || error instanceof LinuxException
                || error instanceof MissingLibraryException
                || error instanceof UnfitFileException
                || error instanceof IOException
                || error instanceof UncheckedIOException
                || error instanceof LinkageError;
    }

    /** A class that was there when the program was built is missing for lack of something else. */
    private static String ofClasses(LinkageError e) {
        return "cannot load its classes (%s: %s); a limit may be too low, see: ulimit -n, ulimit -v"
                .formatted(e.getClass().getSimpleName(), oneLine(e.getMessage()));
    }

    private static String ofMemory(OutOfMemoryError e) {
        String message = String.valueOf(e.getMessage());
        return message.contains("native thread")
                ? "cannot create more threads; to raise the limit: ulimit -u, or TasksMax= in"
                        + " the unit"
                : "out of memory: %s; to raise the limit: UBLK4J_JAVA_OPTS=-Xmx..., ulimit -v"
                        .formatted(message);
    }

    private static String unexpected(Throwable error) {
        String message = error.getMessage();
        return "unexpected %s%s; --debug prints the stack trace"
                .formatted(
                        error.getClass().getSimpleName(),
                        message == null ? "" : ": " + oneLine(message));
    }

    private static String ofRefusal(LinuxException e) {
        if (e.object().equals(CONTROL)) {
            return ofControlNode(e);
        }
        if (e.errno() == Errno.EMFILE) {
            return text(e) + "; to raise the limit: ulimit -n, or LimitNOFILE= in the unit";
        }
        return switch (e.call()) {
            case "openat" -> ofOpen(e);
            case "io_uring_setup" -> ofRing(e);
            case "mmap" ->
                    e.errno() == Errno.ENOMEM ? "not enough memory: " + e.getMessage() : text(e);
            default -> e.call().startsWith("UBLK_") ? ofCommand(e) : text(e);
        };
    }

    private static String ofControlNode(LinuxException e) {
        return switch (e.errno()) {
            case ENOENT, ENODEV, ENXIO ->
                    "the kernel has no ublk driver loaded; ublk4j doctor says what to do";
            case EACCES, EPERM ->
                    "no permission for "
                            + CONTROL
                            + "; run ublk4j as root, for example with sudo, or have root let you add"
                            + " devices of your own, see docs/unprivileged.md";
            default -> text(e);
        };
    }

    private static String ofOpen(LinuxException e) {
        String file = e.object();
        return switch (e.errno()) {
            case ENOENT -> "no such file: " + file;
            case EACCES, EPERM -> "no permission to open " + file;
            case EISDIR -> file + " is a folder";
            case EROFS -> file + " is on a read-only file system; add --read-only";
            case EBUSY, ETXTBSY -> file + " is in use";
            default -> text(e);
        };
    }

    private static String ofRing(LinuxException e) {
        return switch (e.errno()) {
            case EPERM, EACCES ->
                    "this process is not allowed to use io_uring; see: sysctl"
                            + " kernel.io_uring_disabled, and the seccomp profile of the container";
            case ENOSYS -> "this kernel has no io_uring";
            case ENOMEM -> "not enough locked memory for io_uring; " + LockedMemory.remedy();
            default -> text(e);
        };
    }

    private static String ofCommand(LinuxException e) {
        String device = e.object();
        return switch (e.errno()) {
            case EEXIST -> device + " already exists; without -n the lowest free number is used";
            case ENODEV -> "there is no " + device;
            case EACCES -> e.call().equals(ADD) ? TOO_MANY : noPermission(e);
            case EPERM ->
                    e.call().equals(ADD)
                            ? "only root may add this device; --unprivileged adds one of your own"
                            : noPermission(e);
            case EBUSY -> device + " is in use";
            case EINVAL -> "the driver refuses this: " + e.getMessage();
            default -> text(e);
        };
    }

    private static String noPermission(LinuxException e) {
        return "no permission for " + e.object() + " (" + e.call() + ")";
    }

    private static String text(LinuxException e) {
        return String.valueOf(e.getMessage());
    }
}
