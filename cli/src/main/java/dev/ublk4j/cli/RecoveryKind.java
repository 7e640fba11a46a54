package dev.ublk4j.cli;

import dev.ublk4j.server.Recovery;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;

/** The kinds of recovery as a person names them. */
final class RecoveryKind implements ITypeConverter<Recovery> {
    private static final List<String> WORDS = List.of("wait", "reissue", "fail");

    /** What may be written, for help and completion. */
    static final class Names implements Iterable<String> {
        /** Creates them; picocli does so. */
        Names() {}

        @Override
        public Iterator<String> iterator() {
            return WORDS.iterator();
        }
    }

    /** Creates the converter; picocli does so. */
    RecoveryKind() {}

    @Override
    public Recovery convert(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "wait" -> Recovery.WAIT;
            case "reissue" -> Recovery.REISSUE;
            case "fail" -> Recovery.FAIL;
            default -> throw Choice.unknown(text, WORDS.stream());
        };
    }
}
