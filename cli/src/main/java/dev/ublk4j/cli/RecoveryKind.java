package dev.ublk4j.cli;

import dev.ublk4j.server.Recovery;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The kinds of recovery as a person names them. */
final class RecoveryKind implements ITypeConverter<Recovery> {
    /** Creates the converter; picocli does so. */
    RecoveryKind() {}

    @Override
    public Recovery convert(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "wait" -> Recovery.WAIT;
            case "reissue" -> Recovery.REISSUE;
            case "fail" -> Recovery.FAIL;
            default ->
                    throw new TypeConversionException(
                            "'" + text + "' is no kind of recovery: wait, reissue or fail");
        };
    }
}
