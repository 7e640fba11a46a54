package dev.ublk4j.layers;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Operation;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Reads and writes faults as a person has them: {@code error=EIO,op=write,every=100}. */
final class FaultText {
    private static final Pattern SIZE = Pattern.compile("(\\d{1,18})([KMGT]?)(?:I?B)?");
    private static final String UNITS = "KMGT";

    /** Where a misdirected write goes that goes to no certain place. */
    static final String ANYWHERE = "anywhere";

    /** What restricts a fault, rather than being one. */
    private static final List<String> RESTRICTIONS =
            List.of(
                    "op",
                    "from",
                    "to",
                    "after",
                    "next",
                    "every",
                    "probability",
                    "seed",
                    "replica",
                    "keep",
                    "chunk",
                    "atlas-seed",
                    "protect");

    private static final List<String> KINDS =
            List.of(
                    "error",
                    "delay",
                    "hang",
                    "torn",
                    "lost",
                    "misdirected",
                    "rot",
                    "full",
                    "write-protect");

    /** What stands behind the names; of a name that may come more than once, behind plus signs. */
    private final Map<String, String> words = new LinkedHashMap<>();

    private final String text;

    private FaultText(String text) {
        this.text = text;
        for (String word : text.split(",", -1)) {
            int equals = word.indexOf('=');
            String name =
                    (equals < 0 ? word : word.substring(0, equals))
                            .strip()
                            .toLowerCase(Locale.ROOT);
            String value = equals < 0 ? "" : word.substring(equals + 1).strip();
            if (!KINDS.contains(name) && !RESTRICTIONS.contains(name)) {
                throw new IllegalArgumentException(
                        "'%s' is nothing that goes wrong, in: %s; there are %s"
                                .formatted(name, text, String.join(", ", KINDS)));
            }
            if (words.containsKey(name) && !name.equals("op") && !name.equals("protect")) {
                throw new IllegalArgumentException(
                        "%s is given twice, in: %s".formatted(name, text));
            }
            words.merge(name, value, (before, next) -> before + "+" + next);
        }
    }

    static DiskFault parse(String text) {
        return new FaultText(text).fault();
    }

    private DiskFault fault() {
        List<String> kinds = words.keySet().stream().filter(KINDS::contains).toList();
        if (kinds.size() != 1) {
            throw new IllegalArgumentException(
                    kinds.isEmpty()
                            ? "what is to go wrong? Name one of %s, in: %s"
                                    .formatted(String.join(", ", KINDS), text)
                            : "%s are several faults; inject them one by one: %s"
                                    .formatted(String.join(" and ", kinds), text));
        }
        return restricted(kind(kinds.getFirst(), words.getOrDefault(kinds.getFirst(), "")));
    }

    private DiskFault kind(String name, String value) {
        return switch (name) {
            case "error" -> DiskFault.error(value.isEmpty() ? Errno.EIO : errno(value));
            case "delay" -> DiskFault.delay(LatencyTable.parse(value));
            case "torn" -> value.isEmpty() ? DiskFault.torn() : DiskFault.torn(size(value));
            case "misdirected" ->
                    value.isEmpty() || value.equals(ANYWHERE)
                            ? DiskFault.misdirected()
                            : DiskFault.misdirected(size(value));
            case "full" -> DiskFault.full(size(value));
            default -> flag(name, value);
        };
    }

    private DiskFault flag(String name, String value) {
        if (!value.isEmpty()) {
            throw new IllegalArgumentException("%s takes no value, in: %s".formatted(name, text));
        }
        return switch (name) {
            case "hang" -> DiskFault.hang();
            case "lost" -> DiskFault.lost();
            case "rot" -> DiskFault.rot();
            default -> DiskFault.writeProtect();
        };
    }

    private DiskFault restricted(DiskFault plain) {
        DiskFault fault = plain;
        String operations = words.get("op");
        if (operations != null) {
            List<Operation> all =
                    Stream.of(operations.split("\\+", -1)).map(FaultText::operation).toList();
            fault = fault.on(all.getFirst(), all.toArray(Operation[]::new));
        }
        if (words.containsKey("from") || words.containsKey("to")) {
            String to = words.get("to");
            fault =
                    fault.within(
                            size(words.getOrDefault("from", "0")),
                            to == null ? Long.MAX_VALUE : size(to));
        }
        if (words.containsKey("after")) {
            fault = fault.after(number("after"));
        }
        if (words.containsKey("next")) {
            fault = fault.next(number("next"));
        }
        if (words.containsKey("every")) {
            fault = fault.every(number("every"));
        }
        if (words.containsKey("probability")) {
            fault = fault.probability(probability());
        }
        if (words.containsKey("seed")) {
            fault = fault.seed(number("seed"));
        }
        return atlas(fault);
    }

    private DiskFault atlas(DiskFault fault) {
        String replica = words.get("replica");
        if (replica == null) {
            for (String of : List.of("keep", "chunk", "atlas-seed")) {
                if (words.containsKey(of)) {
                    throw new IllegalArgumentException(
                            "%s needs replica=NUMBER/COUNT, in: %s".formatted(of, text));
                }
            }
        }
        if (replica == null && !words.containsKey("protect")) {
            return fault;
        }
        String[] parts = (replica == null ? "1/1" : replica).split("/", -1);
        if (parts.length != 2 || !parts[0].matches("\\d{1,4}") || !parts[1].matches("\\d{1,4}")) {
            throw new IllegalArgumentException(
                    "'%s' is no replica; write it like 1/3, the first of three".formatted(replica));
        }
        int count = Integer.parseInt(parts[1]);
        FaultAtlas atlas =
                FaultAtlas.of(count, words.containsKey("keep") ? count("keep") : count > 1 ? 1 : 0);
        if (words.containsKey("chunk")) {
            atlas = atlas.withChunk(size(words.getOrDefault("chunk", "")));
        }
        if (words.containsKey("atlas-seed")) {
            atlas = atlas.withSeed(number("atlas-seed"));
        }
        String ranges = words.get("protect");
        for (String range : ranges == null ? new String[0] : ranges.split("\\+", -1)) {
            String[] ends = range.split("-", -1);
            if (ends.length != 2) {
                throw new IllegalArgumentException(
                        "'%s' is no range; write it like 0-1M".formatted(range));
            }
            atlas = atlas.protecting(size(ends[0]), size(ends[1]));
        }
        return fault.keepingTo(atlas.replica(Integer.parseInt(parts[0]) - 1));
    }

    private int count(String name) {
        return (int) Math.min(number(name), Integer.MAX_VALUE);
    }

    private long number(String name) {
        String value = words.getOrDefault(name, "");
        try {
            return Long.parseLong(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "%s is a whole number, and not '%s'".formatted(name, value), e);
        }
    }

    private double probability() {
        String value = words.getOrDefault("probability", "");
        try {
            return Double.parseDouble(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "a probability is a number from 0 to 1, and not '%s'".formatted(value), e);
        }
    }

    private static Errno errno(String text) {
        return Stream.of(Errno.values())
                .filter(each -> each.name().equalsIgnoreCase(text))
                .findFirst()
                .orElseThrow(() ->
                        new IllegalArgumentException(
                                "'%s' is no errno that is known here, such as EIO or ENOSPC"
                                        .formatted(text)));
    }

    static String name(Operation operation) {
        return operation.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static Operation operation(String text) {
        return Stream.of(Operation.values())
                .filter(each -> name(each).equals(text.toLowerCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(() ->
                        new IllegalArgumentException(
                                "'%s' is no operation; there are %s"
                                        .formatted(
                                                text,
                                                Stream.of(Operation.values())
                                                        .map(FaultText::name)
                                                        .collect(Collectors.joining(", ")))));
    }

    /** {@return the bytes that a text means, such as 512, 4K or 1G} */
    static long size(String text) {
        Matcher form = SIZE.matcher(text.strip().toUpperCase(Locale.ROOT));
        if (form.matches()) {
            int unit = form.group(2).isEmpty() ? 0 : UNITS.indexOf(form.group(2)) + 1;
            try {
                return Math.multiplyExact(Long.parseLong(form.group(1)), 1L << (10 * unit));
            } catch (ArithmeticException e) {
                throw new IllegalArgumentException("'" + text + "' is no size below 8E", e);
            }
        }
        throw new IllegalArgumentException(
                "'" + text + "' is not a size; write it like 512, 4K, 1G");
    }

    /** {@return a text of which {@link #size} makes the same bytes} */
    static String size(long bytes) {
        long value = bytes;
        int unit = 0;
        while (value != 0 && value % 1024 == 0 && unit < UNITS.length()) {
            value /= 1024;
            unit++;
        }
        return unit == 0 ? Long.toString(value) : value + UNITS.substring(unit - 1, unit);
    }
}
