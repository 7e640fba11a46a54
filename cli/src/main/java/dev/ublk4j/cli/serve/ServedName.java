package dev.ublk4j.cli.serve;

import java.util.regex.Pattern;
import tools.jackson.core.JsonGenerator;

/**
 * What a person calls something that is served: a device by its number, an export by the letter e
 * and a number.
 *
 * @param isExport whether it is an export
 * @param number which one
 */
public record ServedName(boolean isExport, int number) {
    private static final String EXPORT = "e";
    private static final Pattern SPELLED = Pattern.compile(EXPORT + "?(\\d{1,9})");

    /** {@return the name of a device} */
    public static ServedName device(int number) {
        return new ServedName(false, number);
    }

    /** {@return the name of an export} */
    public static ServedName export(int number) {
        return new ServedName(true, number);
    }

    /** {@return whether a text is a name} */
    public static boolean isName(String text) {
        return SPELLED.matcher(text).matches();
    }

    /**
     * {@return what a text names}
     *
     * @throws IllegalArgumentException when it names nothing
     */
    public static ServedName parse(String text) {
        if (!isName(text)) {
            throw new IllegalArgumentException(
                    "'%s' is neither the number of a device, such as 0, nor an export, such as e0"
                            .formatted(text));
        }
        boolean isExport = text.startsWith(EXPORT);
        return new ServedName(isExport, Integer.parseInt(text.substring(isExport ? 1 : 0)));
    }

    /** {@return what it is and its name, for messages} */
    public String text() {
        return (isExport ? "export " : "device ") + this;
    }

    /** Writes it as a property of a JSON object. */
    public void write(JsonGenerator json) {
        if (isExport) {
            json.writeStringProperty("export", toString());
        } else {
            json.writeNumberProperty("id", number);
        }
    }

    @Override
    public String toString() {
        return (isExport ? EXPORT : "") + number;
    }
}
