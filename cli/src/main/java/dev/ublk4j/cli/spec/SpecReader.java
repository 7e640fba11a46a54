package dev.ublk4j.cli.spec;

import dev.ublk4j.cli.spec.TargetSpec.Option;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads a {@link TargetSpec}, once, from its first character on. */
final class SpecReader {
    /** What a name can have in quotes alone, and what quotes and escapes. */
    static final String SPECIAL = ",;()\"\\";

    /** More than anybody writes: each level is a call here, and a target later. */
    private static final int MOST_LEVELS = 32;

    private static final Pattern KIND = Pattern.compile("([A-Za-z][A-Za-z0-9-]*)\\s*([:(,;)]|$)");

    /** A URI whose scheme is no kind; that of {@code nbd://} is one. */
    private static final Pattern NBD_URI = Pattern.compile("(nbds|nbds?\\+unix)://");

    private static final Pattern OPTION = Pattern.compile("([A-Za-z][A-Za-z0-9-]*)\\s*([=,;)]|$)");

    private final String text;
    private final Predicate<String> kinds;
    private int at;
    private int level;

    SpecReader(String text, Predicate<String> kinds) {
        this.text = text;
        this.kinds = kinds;
    }

    TargetSpec read() {
        skipBlanks();
        if (at == text.length()) {
            throw new IllegalArgumentException("a target is empty");
        }
        TargetSpec spec = spec();
        if (at < text.length()) {
            throw unexpected();
        }
        return spec;
    }

    private TargetSpec spec() {
        TargetSpec spec = head();
        List<Option> options = new ArrayList<>(spec.options());
        skipBlanks();
        while (isNext(',') && (level == 0 || isOption(at + 1))) {
            at++;
            options.add(option());
            skipBlanks();
        }
        return new TargetSpec(spec.kind(), spec.argument(), options, spec.legs());
    }

    /** A kind with its argument or its legs, or the name of a file. */
    private TargetSpec head() {
        skipBlanks();
        Matcher kind = KIND.matcher(text).region(at, text.length());
        boolean isUri = NBD_URI.matcher(text).region(at, text.length()).lookingAt();
        if (isUri || !kind.lookingAt()) {
            return TargetSpec.of(isUri ? TargetSpec.NBD : TargetSpec.FILE)
                    .withArgument(name("the name of a file"));
        }
        TargetSpec spec = TargetSpec.of(kind.group(1));
        boolean isAlone = !kind.group(2).equals(":") && !kind.group(2).equals("(");
        at = isAlone ? kind.end(1) : kind.end();
        if (isAlone) {
            return spec;
        }
        return kind.group(2).equals("(")
                ? composed(spec)
                : spec.withArgument(name("what follows '" + kind.group() + "'"));
    }

    private TargetSpec composed(TargetSpec spec) {
        int open = at - 1;
        if (++level > MOST_LEVELS) {
            throw new IllegalArgumentException(
                    "a target has more than %d levels".formatted(MOST_LEVELS));
        }
        List<TargetSpec> legs = new ArrayList<>();
        skipBlanks();
        if (!isNext(')') && !isNext(';')) {
            legs.add(spec());
            while (isNext(',')) {
                at++;
                legs.add(spec());
            }
        }
        List<Option> options = new ArrayList<>();
        if (isNext(';')) {
            do {
                at++;
                options.add(option());
                skipBlanks();
            } while (isNext(','));
        }
        if (at == text.length()) {
            throw new IllegalArgumentException(
                    "')' is missing at position %d, for the '(' at position %d of: %s"
                            .formatted(at + 1, open + 1, text));
        }
        if (!isNext(')')) {
            throw unexpected();
        }
        at++;
        level--;
        return new TargetSpec(spec.kind(), null, options, legs);
    }

    /** {@return whether an option of the leg before is at a place, rather than another leg} */
    private boolean isOption(int from) {
        int begin = from;
        while (begin < text.length() && Character.isWhitespace(text.charAt(begin))) {
            begin++;
        }
        Matcher option = OPTION.matcher(text).region(begin, text.length());
        return option.lookingAt() && (option.group(2).equals("=") || !kinds.test(option.group(1)));
    }

    private Option option() {
        skipBlanks();
        Matcher option = OPTION.matcher(text).region(at, text.length());
        if (!option.lookingAt()) {
            throw new IllegalArgumentException(
                    "an option, as name=value, is missing at position %d of: %s%s"
                            .formatted(
                                    at + 1,
                                    text,
                                    level == 0
                                            ? "; a name with a comma stands in double quotes"
                                            : ""));
        }
        if (!option.group(2).equals("=")) {
            at = option.end(1);
            return new Option(option.group(1), null);
        }
        at = option.end();
        return new Option(option.group(1), name("the value of '" + option.group(1) + "'"));
    }

    /** {@return a name or a value, without its quotes} */
    private String name(String what) {
        skipBlanks();
        if (isNext('"')) {
            return quoted();
        }
        int begin = at;
        while (at < text.length() && ",;()".indexOf(text.charAt(at)) < 0) {
            at++;
        }
        String name = text.substring(begin, at).strip();
        if (name.isEmpty()) {
            throw new IllegalArgumentException(
                    "%s is missing at position %d of: %s".formatted(what, begin + 1, text));
        }
        return name;
    }

    private String quoted() {
        int open = at++;
        StringBuilder name = new StringBuilder();
        while (at < text.length() && text.charAt(at) != '"') {
            if (text.charAt(at) == '\\' && at + 1 < text.length()) {
                at++;
            }
            name.append(text.charAt(at++));
        }
        if (at == text.length()) {
            throw new IllegalArgumentException(
                    "a '\"' is missing, for that at position %d of: %s".formatted(open + 1, text));
        }
        at++;
        return name.toString();
    }

    private boolean isNext(char due) {
        return at < text.length() && text.charAt(at) == due;
    }

    private void skipBlanks() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
    }

    private IllegalArgumentException unexpected() {
        return new IllegalArgumentException(
                "'%c' at position %d of: %s; a name with one of , ; ( ) stands in double quotes"
                        .formatted(text.charAt(at), at + 1, text));
    }
}
