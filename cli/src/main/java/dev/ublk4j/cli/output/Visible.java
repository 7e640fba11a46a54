package dev.ublk4j.cli.output;

/**
 * Text of others' choice, such as the name of a file, as it may stand in a line: a character that
 * would break the line, or that a terminal would take for a command, is written as an escape.
 */
public final class Visible {
    private Visible() {}

    /** {@return the text without control characters} */
    public static String of(String text) {
        if (text.codePoints().noneMatch(Visible::isControl)) {
            return text;
        }
        StringBuilder visible = new StringBuilder();
        text.codePoints()
                .forEach(code -> {
                    if (isControl(code)) {
                        visible.append(escaped(code));
                    } else {
                        visible.appendCodePoint(code);
                    }
                });
        return visible.toString();
    }

    private static boolean isControl(int code) {
        int type = Character.getType(code);
        // Formats turn the direction of what follows; the separators break lines.
        return type == Character.CONTROL
                || type == Character.FORMAT
                || type == Character.LINE_SEPARATOR
                || type == Character.PARAGRAPH_SEPARATOR;
    }

    private static String escaped(int code) {
        return switch (code) {
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default -> code < 0x100 ? "\\x%02x".formatted(code) : "\\u%04x".formatted(code);
        };
    }
}
