package dev.ublk4j.cli;

import java.util.BitSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Processors as {@code taskset -c} and the files of sysfs list them: 0-3,8. */
final class CpuList implements ITypeConverter<BitSet> {
    private static final Pattern PART = Pattern.compile("(\\d{1,5})(?:-(\\d{1,5}))?");

    /** Creates the converter; picocli does so. */
    CpuList() {}

    @Override
    public BitSet convert(String text) {
        return parse(text);
    }

    /**
     * {@return the processors that a text lists}
     *
     * @throws TypeConversionException when it lists none
     */
    static BitSet parse(String text) {
        BitSet processors = new BitSet();
        for (String part : text.strip().split(",", -1)) {
            Matcher matcher = PART.matcher(part.strip());
            if (!matcher.matches()) {
                throw misspelt(text);
            }
            int first = Integer.parseInt(matcher.group(1));
            int last = matcher.group(2) == null ? first : Integer.parseInt(matcher.group(2));
            if (last < first) {
                throw misspelt(text);
            }
            processors.set(first, last + 1);
        }
        return processors;
    }

    private static TypeConversionException misspelt(String text) {
        return new TypeConversionException(
                "'" + text + "' is not a list of processors; write it like 0-3,8");
    }

    /** {@return a text of which {@link #parse} makes the same processors} */
    static String format(BitSet processors) {
        StringBuilder text = new StringBuilder();
        int first = processors.nextSetBit(0);
        while (first >= 0) {
            int end = processors.nextClearBit(first);
            text.append(text.isEmpty() ? "" : ",").append(first);
            if (end - first > 1) {
                text.append('-').append(end - 1);
            }
            first = processors.nextSetBit(end);
        }
        return text.toString();
    }
}
