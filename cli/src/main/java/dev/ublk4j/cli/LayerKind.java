package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.server.Target;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Parameters;

/** A kind of target that is made of others, its legs. */
abstract class LayerKind extends TargetKind {
    @Parameters(
            arity = "0..1",
            index = "0..*",
            paramLabel = "TARGET",
            description = {
                "What it is made of, in their order: KIND:ARGUMENT, with options behind commas, as"
                        + " file:a.img,buffered. A name with a dot or a slash is a file."
            })
    private List<String> texts = new ArrayList<>();

    /** Read once. */
    private @Nullable List<TargetKind> legs;

    @Override
    final List<TargetKind> legs() {
        List<TargetKind> read = legs;
        if (read == null) {
            read = texts.stream().map(TargetWords::readSpec).toList();
            legs = read;
            adopt(read);
        }
        return read;
    }

    /** Tells the legs what they are to be like. */
    void adopt(List<TargetKind> read) {
        if (readOnly()) {
            read.forEach(TargetKind::makeReadOnly);
        }
    }

    @Override
    final void makeReadOnly() {
        super.makeReadOnly();
        adopt(legs());
    }

    /** {@return the fewest legs that it is made of} */
    abstract int fewestLegs();

    /** {@return the most legs that it is made of} */
    int mostLegs() {
        return Integer.MAX_VALUE;
    }

    /** Finds what is wrong with the options that are not about legs. */
    void checkOptions() {}

    @Override
    void check() {
        int count = legs().size();
        if (count < fewestLegs() || count > mostLegs()) {
            throw new IllegalArgumentException(
                    "%s is made of %s, and not of %d"
                            .formatted(
                                    name(),
                                    fewestLegs() == mostLegs()
                                            ? fewestLegs() == 1
                                                    ? "one target"
                                                    : fewestLegs() + " targets"
                                            : fewestLegs() + " targets or more",
                                    count));
        }
        for (int i = 0; i < count; i++) {
            checkIn(texts.get(i), legs().get(i)::checkWithLayers);
            checkIn(texts.get(i), legs().get(i)::requireNoIntegrity);
        }
        checkOptions();
    }

    @Override
    final String source() {
        String spec = ownSpec().toString();
        return spec.substring(spec.indexOf('(') + 1, spec.length() - 1);
    }

    /** {@return this kind, made of its legs, without options} */
    final TargetSpec composed() {
        return TargetSpec.of(name()).over(legs().stream().map(TargetKind::spec).toList());
    }

    @Override
    final boolean outlivesServer() {
        return legs().stream().allMatch(TargetKind::outlivesServer);
    }

    @Override
    final boolean keepsData() {
        return legs().stream().anyMatch(TargetKind::keepsData);
    }

    @Override
    void name(NamedFiles files) {
        legs().forEach(leg -> leg.name(files));
    }

    @Override
    final boolean force() {
        boolean any = false;
        for (TargetKind leg : legs()) {
            any |= leg.force();
        }
        return any;
    }

    @Override
    final Target open() {
        try (Opened opened = new Opened()) {
            return open(opened);
        } catch (IOException e) {
            throw new Failure("%s: %s".formatted(name(), Explanation.of(e)), e);
        }
    }

    /**
     * {@return the target, made of its legs}
     *
     * @param opened closes what has been opened and not been taken
     */
    abstract Target open(Opened opened) throws IOException;

    /** {@return all legs, opened} */
    final List<Target> openLegs(Opened opened) {
        legs().forEach(leg -> opened.add(leg.openShaped()));
        return opened.take();
    }
}
