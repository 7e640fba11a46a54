package dev.ublk4j.server;

import java.util.List;

/**
 * Makes targets of one kind by name, for who finds them in a jar by {@link
 * java.util.ServiceLoader}: the jar names the class in {@code
 * META-INF/services/dev.ublk4j.server.TargetProvider}. The command line does so.
 */
public interface TargetProvider {
    /** {@return the name of the kind: a word of lower-case letters, digits and dashes} */
    String name();

    /** {@return what it is and which arguments it takes, in a line for people} */
    String description();

    /**
     * Makes a target.
     *
     * @param arguments as a person gave them
     * @throws IllegalArgumentException when they do not suit, with the reason
     */
    Target create(List<String> arguments);
}
