package dev.ublk4j.cli.doctor;

/**
 * What was found out about one thing that serving needs.
 *
 * @param level how good it is
 * @param subject the thing
 * @param text what was found
 * @param remedy what to type, or to do, about it; empty where there is nothing
 */
public record Finding(Level level, String subject, String text, String remedy) {
    /** How good a finding is. */
    public enum Level {
        /** As it should be. */
        OK,
        /** A device can be served all the same. */
        WARN,
        /** No device can be served. */
        FAIL
    }

    static Finding ok(String subject, String text) {
        return new Finding(Level.OK, subject, text, "");
    }

    static Finding warn(String subject, String text, String remedy) {
        return new Finding(Level.WARN, subject, text, remedy);
    }

    static Finding fail(String subject, String text, String remedy) {
        return new Finding(Level.FAIL, subject, text, remedy);
    }
}
