package dev.ublk4j.crash;

/** Objects of others as a line of text: bounded, and whatever they are. */
final class Told {
    private static final int LONGEST = 200;

    private Told() {}

    /** {@return all that an object says, in a line} */
    static String inALine(Object object) {
        String text = textOf(object);
        String begin = text.substring(0, Math.min(text.length(), LONGEST + 1));
        String line = begin.replaceAll("\\R", " ").replaceAll("\\p{Cntrl}", "?");
        return line.length() <= LONGEST ? line : line.substring(0, LONGEST) + "...";
    }

    /** {@return what was thrown, in a line that can be read; its stack trace has all of it} */
    static String firstLine(Throwable thrown) {
        return inALine(textOf(thrown).lines().findFirst().orElse(""));
    }

    private static String textOf(Object object) {
        try {
            return String.valueOf(object.toString());
        } catch (RuntimeException e) {
            return "%s, which cannot be told: %s"
                    .formatted(object.getClass().getName(), e.getClass().getName());
        }
    }
}
