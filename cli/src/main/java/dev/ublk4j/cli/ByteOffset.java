package dev.ublk4j.cli;

import picocli.CommandLine.ITypeConverter;

/** Places in a file as a person writes them: as {@link ByteSize}, and 0. */
final class ByteOffset implements ITypeConverter<Long> {
    /** Creates the converter; picocli does so. */
    ByteOffset() {}

    @Override
    public Long convert(String text) {
        return text.strip().equals("0") ? 0 : ByteSize.parse(text);
    }
}
