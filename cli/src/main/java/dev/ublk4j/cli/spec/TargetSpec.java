package dev.ublk4j.cli.spec;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a target is made of, as a person writes it:
 *
 * <pre>
 *   file:a.img                                     a kind and its argument
 *   a.img                                          the same: a name with a dot or a slash is a file
 *   file:a.img,buffered,offset=1M                  with options
 *   nbds://example.com/disk                        a URI of NBD
 *   mirror(a.img, b.img; log=ab.log)               made of others, which are its legs
 *   stripe(mirror(a.img, b.img; log=ab.log), null:1G)
 * </pre>
 *
 * <p>A name with one of {@code , ; ( )} stands in double quotes, in which {@code \"} is a quote and
 * {@code \\} a backslash. Between legs a comma begins the next leg, unless what follows is a word
 * or {@code word=value}: that is an option of the leg before it.
 *
 * @param kind the kind of target
 * @param argument what stands behind the colon
 * @param options in their order; a name may come more than once
 * @param legs what the target is made of
 */
public record TargetSpec(
        String kind, @Nullable String argument, List<Option> options, List<TargetSpec> legs) {
    /** The kind of what is written without one. */
    static final String FILE = "file";

    /** The kind of a URI of NBD. */
    static final String NBD = "nbd";

    /**
     * An option of a kind: {@code --name} or {@code --name=value} of its command.
     *
     * @param name without dashes
     * @param value null for an option that is there or not
     */
    public record Option(String name, @Nullable String value) {
        @Override
        public String toString() {
            return value == null ? name : name + "=" + quoted(value);
        }
    }

    /** Copies the lists. */
    public TargetSpec {
        options = List.copyOf(options);
        legs = List.copyOf(legs);
    }

    /** {@return a kind with nothing else} */
    public static TargetSpec of(String kind) {
        return new TargetSpec(kind, null, List.of(), List.of());
    }

    /**
     * {@return what a text says}
     *
     * @param kinds tells which words are kinds, where a kind alone is a leg
     * @throws IllegalArgumentException when it says nothing, with the place where it goes wrong
     */
    public static TargetSpec parse(String text, Predicate<String> kinds) {
        return new SpecReader(text, kinds).read();
    }

    /** {@return the same with an argument} */
    public TargetSpec withArgument(String newArgument) {
        return new TargetSpec(kind, newArgument, options, legs);
    }

    /** {@return the same with one more option, which is there or not} */
    public TargetSpec with(String name) {
        return with(name, null);
    }

    /** {@return the same with one more option} */
    public TargetSpec with(String name, @Nullable String value) {
        List<Option> more = new ArrayList<>(options);
        more.add(new Option(name, value));
        return new TargetSpec(kind, argument, more, legs);
    }

    /** {@return the same, made of others} */
    public TargetSpec over(List<TargetSpec> newLegs) {
        return new TargetSpec(kind, argument, options, newLegs);
    }

    /** {@return the kind, options and arguments of the command that makes the target} */
    public List<String> words() {
        List<String> words = new ArrayList<>(List.of(kind));
        options.forEach(option ->
                words.add(
                        option.value == null
                                ? "--" + option.name
                                : "--" + option.name + "=" + option.value));
        List<String> arguments = new ArrayList<>();
        if (argument != null) {
            arguments.add(argument);
        }
        legs.forEach(leg -> arguments.add(leg.toString()));
        if (arguments.stream().anyMatch(each -> each.startsWith("-"))) {
            words.add("--");
        }
        words.addAll(arguments);
        return words;
    }

    /**
     * Visits the legs, and theirs, by their places: 1.2 is the second leg of the first. What is
     * made of one other alone has no number in them.
     *
     * @param visitor told the place and what is there
     */
    public void visitLegs(BiConsumer<String, TargetSpec> visitor) {
        visitLegs("", visitor);
    }

    private void visitLegs(String place, BiConsumer<String, TargetSpec> visitor) {
        if (legs.size() == 1) {
            legs.getFirst().visitLegs(place, visitor);
            return;
        }
        for (int i = 0; i < legs.size(); i++) {
            String below = place.isEmpty() ? "" + (i + 1) : place + "." + (i + 1);
            visitor.accept(below, legs.get(i));
            legs.get(i).visitLegs(below, visitor);
        }
    }

    /** {@return the text that says the same} */
    @Override
    public String toString() {
        String told = options.stream().map(Option::toString).collect(Collectors.joining(", "));
        if (legs.isEmpty()) {
            String head = argument == null ? kind : kind + ":" + quoted(argument);
            return Stream.concat(Stream.of(head), options.stream().map(Option::toString))
                    .collect(Collectors.joining(","));
        }
        String below = legs.stream().map(TargetSpec::toString).collect(Collectors.joining(", "));
        return "%s(%s%s)".formatted(kind, below, told.isEmpty() ? "" : "; " + told);
    }

    private static String quoted(String text) {
        boolean plain =
                !text.isEmpty()
                        && text.equals(text.strip())
                        && text.chars().noneMatch(each -> SpecReader.SPECIAL.indexOf(each) >= 0);
        return plain ? text : '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
