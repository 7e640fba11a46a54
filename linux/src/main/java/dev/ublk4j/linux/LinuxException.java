package dev.ublk4j.linux;

/**
 * A system call, ring operation or driver command that was refused.
 *
 * <p>The message reads {@code CALL(object): NAME (number), text}, and what else is known.
 */
public class LinuxException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String call;
    private final String object;
    private final int number;

    /**
     * Creates the exception for one refused call.
     *
     * @param call the call's own name, such as {@code openat} or {@code UBLK_U_CMD_ADD_DEV}
     * @param object what it was made on: a path, a device, a descriptor
     * @param answer the return value, a negative errno
     */
    public LinuxException(String call, String object, long answer) {
        super(message(call, object, answer));
        this.call = call;
        this.object = object;
        this.number = (int) -answer;
    }

    /**
     * Creates the exception for one refused call, where more is known than the errno says.
     *
     * @param detail ends the message, in a few lower-case words
     */
    public LinuxException(String call, String object, long answer, String detail) {
        super(message(call, object, answer) + ": " + detail);
        this.call = call;
        this.object = object;
        this.number = (int) -answer;
    }

    private static String message(String call, String object, long answer) {
        Errno errno = Errno.of((int) answer);
        return "%s(%s): %s (%d), %s".formatted(call, object, errno, -answer, errno.text());
    }

    /**
     * {@return the return value, when it is not an error}
     *
     * @throws LinuxException when {@code answer} is negative
     */
    public static long check(String call, String object, long answer) {
        if (answer < 0) {
            throw new LinuxException(call, object, answer);
        }
        return answer;
    }

    /** {@return the name of the call} */
    public String call() {
        return call;
    }

    /** {@return what the call was made on} */
    public String object() {
        return object;
    }

    /** {@return the error's name} */
    public Errno errno() {
        return Errno.of(number);
    }

    /**
     * {@return the error's positive number, also where {@link #errno()} is {@link Errno#UNKNOWN}}
     */
    public int number() {
        return number;
    }
}
