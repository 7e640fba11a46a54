package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.serve.Reshaped;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Target;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/**
 * A kind of target and its options: a sub-command of whatever serves targets, such as {@code add}.
 */
abstract class TargetKind implements Callable<Integer> {
    @Option(
            names = {"-b", "--block-size"},
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "The logical block size, 512 to 4K. Default: that of the target.")
    private @Nullable Long blockSize;

    @Option(
            names = {"-r", "--read-only"},
            description =
                    "Make the device read-only. (In ublksrv and rublk, -r means recovery: use"
                            + " --recovery.)")
    private boolean readOnly;

    @ParentCommand
    @SuppressWarnings("NullAway.Init") // set by picocli
    private TargetHost host;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    /** {@return the file or class behind the target, where there is one} */
    @Nullable String source() {
        return null;
    }

    /**
     * Finds what is wrong with the options, before a driver is needed.
     *
     * @throws IllegalArgumentException when something is
     */
    void check() {}

    /** {@return the options of this kind that make the same target again, from any folder} */
    abstract List<String> ownWords();

    /** {@return whether another server finds the data where this one left it} */
    boolean outlivesServer() {
        return true;
    }

    /** {@return the target as it is by itself}; called in the process that serves */
    abstract Target open();

    /** {@return the kind and its options, which make the same target again, from any folder} */
    final List<String> words() {
        List<String> words = new ArrayList<>(List.of(name()));
        if (blockSize != null) {
            words.add("--block-size=" + blockSize);
        }
        if (readOnly) {
            words.add("--read-only");
        }
        words.addAll(ownWords());
        return words;
    }

    /** {@return the kind's name} */
    final String name() {
        return spec.name();
    }

    final boolean readOnly() {
        return readOnly;
    }

    /** {@return the block size that was asked for, or 0} */
    final int blockSize() {
        return blockSize == null ? 0 : (int) Math.min(blockSize, Integer.MAX_VALUE);
    }

    @Override
    public final Integer call() throws IOException {
        return host.serve(this);
    }

    /**
     * {@return what a computation answers that may find the options wrong}
     *
     * @throws ParameterException when it does, by an {@link IllegalArgumentException}
     */
    final <T extends @Nullable Object> T checked(Callable<T> computation) {
        try {
            check();
            return computation.call();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), Explanation.of(e), e);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** {@return the target as the options shape it}; called in the process that serves */
    final Target openShaped() {
        Target target = open();
        try {
            Geometry own = target.geometry();
            Geometry shaped = shape(own);
            return shaped.equals(own) ? target : new Reshaped(target, shaped);
        } catch (RuntimeException e) {
            target.close();
            throw e;
        }
    }

    /**
     * Checks a size that a person gave.
     *
     * @throws IllegalArgumentException when it is no whole number of blocks
     */
    final void checkSize(long size) {
        shape(Geometry.ofSize(size));
    }

    private Geometry shape(Geometry geometry) {
        Geometry shaped = geometry;
        if (blockSize != null && blockSize != geometry.logicalBlockSize()) {
            if (blockSize < geometry.logicalBlockSize()) {
                throw new IllegalArgumentException(
                        "block size %d is smaller than the target's own, %d"
                                .formatted(blockSize, geometry.logicalBlockSize()));
            }
            shaped = shaped.withBlockSize((int) Math.min(blockSize, Integer.MAX_VALUE));
        }
        return readOnly && !shaped.readOnly() ? shaped.asReadOnly() : shaped;
    }
}
