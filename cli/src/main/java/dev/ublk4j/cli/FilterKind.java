package dev.ublk4j.cli;

import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.server.Target;

/** A kind that is made of one target, and so may also be put over one of any kind by --layer. */
abstract class FilterKind extends LayerKind {
    /**
     * {@return the layer that a text says, without what it is over}
     *
     * @throws IllegalArgumentException when it says none
     */
    static FilterKind layer(String text) {
        TargetKind kind = TargetWords.readSpec(text);
        if (!(kind instanceof FilterKind filter)) {
            throw new IllegalArgumentException(
                    "--layer takes fault or record, and not %s: %s".formatted(kind.name(), text));
        }
        if (!filter.legs().isEmpty()) {
            throw new IllegalArgumentException(
                    "--layer has a target of its own: %s; write %s,..."
                            .formatted(text, kind.name()));
        }
        return filter;
    }

    @Override
    final int fewestLegs() {
        return 1;
    }

    @Override
    final int mostLegs() {
        return 1;
    }

    /** {@return the options of the kind, and nothing else} */
    abstract TargetSpec options(TargetSpec spec);

    @Override
    final TargetSpec ownSpec() {
        return options(composed());
    }

    @Override
    final Target open(Opened opened) {
        return over(openLegs(opened).getFirst());
    }

    /** {@return the layer over a target, which belongs to it from now on} */
    abstract Target over(Target below);

    /** As {@link #over}, as all options shape it. */
    final Target openOver(Target below) {
        return shaped(over(below));
    }
}
