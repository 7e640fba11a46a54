package dev.ublk4j.cli.doctor;

import java.util.Comparator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The version of a kernel.
 *
 * @param major the 6 of 6.18.4
 * @param minor the 18 of 6.18.4
 * @param patch the 4 of 6.18.4
 * @param text as {@code uname -r} says it
 */
record KernelVersion(int major, int minor, int patch, String text)
        implements Comparable<KernelVersion> {
    private static final Pattern FORM = Pattern.compile("(\\d+)\\.(\\d+)(?:\\.(\\d+))?.*");

    private static final Comparator<KernelVersion> ORDER =
            Comparator.comparingInt(KernelVersion::major)
                    .thenComparingInt(KernelVersion::minor)
                    .thenComparingInt(KernelVersion::patch);

    /** {@return the version that a text begins with, 0.0.0 where it begins with none} */
    static KernelVersion parse(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            return new KernelVersion(0, 0, 0, text);
        }
        String patch = matcher.group(3);
        return new KernelVersion(
                Integer.parseInt(matcher.group(1)),
                Integer.parseInt(matcher.group(2)),
                patch == null ? 0 : Integer.parseInt(patch),
                text);
    }

    boolean isBefore(int otherMajor, int otherMinor) {
        return compareTo(new KernelVersion(otherMajor, otherMinor, 0, "")) < 0;
    }

    @Override
    public int compareTo(KernelVersion other) {
        return ORDER.compare(this, other);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof KernelVersion version && compareTo(version) == 0;
    }

    @Override
    public int hashCode() {
        return (major << 20) + (minor << 10) + patch;
    }
}
