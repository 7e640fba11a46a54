package dev.ublk4j.sharing.adopt;

import java.util.Set;

/**
 * Of which processes memory is adopted whenever one appears: of those that fulfil every condition
 * that is not empty.
 *
 * @param programs names of programs, as of {@code ps}, or of their executable file; a path names
 *     the file exactly. One of them must fit
 * @param cgroups paths of control groups, of which one must have the process in it or below it; a
 *     name without a slash, such as that of a unit, fits any part of the path
 * @param users numbers of users, one of which the process must have
 */
public record AdoptionRule(Set<String> programs, Set<String> cgroups, Set<Integer> users) {
    /** Copies the sets. */
    public AdoptionRule {
        programs = Set.copyOf(programs);
        cgroups = Set.copyOf(cgroups);
        users = Set.copyOf(users);
    }

    /** {@return the rule that fits no process} */
    public static AdoptionRule none() {
        return new AdoptionRule(Set.of(), Set.of(), Set.of());
    }

    /** {@return whether it has no condition, and fits no process} */
    public boolean isNone() {
        return programs.isEmpty() && cgroups.isEmpty() && users.isEmpty();
    }
}
