package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.serve.Reshaped;
import dev.ublk4j.cli.serve.Uneven;
import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Target;
import dev.ublk4j.uapi.Sectors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/**
 * A kind of target and its options: a sub-command of whatever serves targets, such as {@code add}.
 */
abstract class TargetKind implements Callable<Integer> {
    /** How targets are made of others, for the help of what serves them. */
    static final String COMPOSING =
            "stripe, mirror, concat, overlay and zoned are made of other targets, each written as one word:"
                    + " KIND:ARGUMENT, with options behind commas, as file:a.img,buffered or"
                    + " memory:1G. A name with a dot or a slash is a file. One that is made of"
                    + " others itself is KIND(TARGET, TARGET; option=value), in quotes for the"
                    + " shell. --layer puts a fault over any target.";

    /** Stands before the text of which a message is. */
    static final String IN = ", in: ";

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

    @Option(
            names = "--layer",
            paramLabel = "LAYER",
            description =
                    "Put a layer over the target, such as fault,delay=5ms or fault,error=EIO,op=write."
                            + " May be repeated; the last one is the outermost.")
    private List<String> layerTexts = new ArrayList<>();

    @Mixin private final IntegrityFlags integrity = new IntegrityFlags();

    private final MadeFiles made = new MadeFiles();

    /** Read once. */
    private @Nullable List<FilterKind> layers;

    /** Whether the size may be any number of bytes. */
    private boolean anySize;

    /** Whether what this is a leg of is read-only. */
    private boolean inReadOnly;

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

    /**
     * {@return this kind and its own options, which make the same target again, from any folder}
     */
    abstract TargetSpec ownSpec();

    /** {@return whether another server can serve the device as this one does} */
    boolean outlivesServer() {
        return true;
    }

    /** {@return whether there is data that the next server has to find} */
    boolean keepsData() {
        return outlivesServer();
    }

    /** {@return whether what is written is read as it was at all} */
    boolean dropsData() {
        return false;
    }

    /** {@return a file beside that of the target, null where there is none to be made} */
    @Nullable Path beside(String suffix) {
        return null;
    }

    /** {@return as {@link #beside}, also where the target is but a part of its file} */
    @Nullable Path besideAnyPart(String suffix) {
        return beside(suffix);
    }

    /** Names the files of the target. */
    void name(NamedFiles files) {}

    /**
     * Takes files that others have in use.
     *
     * @return whether there are any
     */
    boolean force() {
        return false;
    }

    /** {@return what this is made of} */
    List<TargetKind> legs() {
        return List.of();
    }

    /** {@return the target as it is by itself}; called in the process that serves */
    abstract Target open();

    /** Deletes the files that {@link #open} has made, because what this is a part of has failed. */
    final void deleteMade() {
        made.delete();
        layers().forEach(TargetKind::deleteMade);
        legs().forEach(TargetKind::deleteMade);
    }

    /** {@return the files that {@link #open} makes} */
    final MadeFiles made() {
        return made;
    }

    /** {@return a file that was made, and without which the data would be another, or null} */
    @Nullable Path madeAnew() {
        return made.first(legs());
    }

    /** {@return the kind and its options, which make the same target again, from any folder} */
    final List<String> words() {
        List<String> words = new ArrayList<>(withoutLayers().words());
        List<String> over = layers().stream().map(layer -> "--layer=" + layer.spec()).toList();
        words.addAll(1, over);
        words.addAll(1, integrity.words(this));
        return words;
    }

    /** {@return the target with its layers as one text, which says what a leg is} */
    final TargetSpec spec() {
        TargetSpec spec = withoutLayers();
        for (FilterKind layer : layers()) {
            spec = layer.spec().over(List.of(spec));
        }
        return spec;
    }

    /** {@return what the target is made of, null where it is not made of others} */
    final @Nullable String composition() {
        TargetSpec spec = spec();
        return spec.legs().isEmpty() ? null : spec.toString();
    }

    private TargetSpec withoutLayers() {
        TargetSpec own = ownSpec();
        TargetSpec common = TargetSpec.of(own.kind());
        if (blockSize != null) {
            common = common.with("block-size", ByteSize.exact(blockSize));
        }
        if (readOnly) {
            common = common.with("read-only");
        }
        List<TargetSpec.Option> options = new ArrayList<>(common.options());
        options.addAll(own.options());
        return new TargetSpec(own.kind(), own.argument(), options, own.legs());
    }

    private List<FilterKind> layers() {
        List<FilterKind> read = layers;
        if (read == null) {
            read = layerTexts.stream().map(FilterKind::layer).toList();
            layers = read;
        }
        return read;
    }

    /** As {@link #check}, and of the layers. */
    final void checkWithLayers() {
        check();
        for (int i = 0; i < layers().size(); i++) {
            checkIn(layerTexts.get(i), layers().get(i)::checkOptions);
            checkIn(layerTexts.get(i), layers().get(i)::requireNoIntegrity);
        }
        integrity.check(this);
    }

    /** Refuses metadata of what is but a part of the target of a device. */
    final void requireNoIntegrity() {
        if (integrity.areGiven()) {
            throw new IllegalArgumentException(
                    "--integrity is for the whole target of a device alone");
        }
    }

    /** Names the files of the target and of its metadata. */
    final void nameAll(NamedFiles files) {
        name(files);
        integrity.name(this, files);
    }

    /** Says where in a target something is wrong, unless that is said. */
    static void checkIn(String text, Runnable check) {
        try {
            check.run();
        } catch (IllegalArgumentException e) {
            String message = Explanation.of(e);
            throw message.contains(IN) ? e : new IllegalArgumentException(message + IN + text, e);
        }
    }

    /**
     * Finds what is wrong with the whole target, before it is opened.
     *
     * @throws IllegalArgumentException when something is, such as a file that is named twice
     */
    final void checkWhole() {
        checkWithLayers();
        nameAll(new NamedFiles());
    }

    /**
     * As {@link #checkWhole}, of this and another that are used together.
     *
     * @throws IllegalArgumentException when a file is part of both
     */
    final void checkWholeBesides(TargetKind other) {
        checkWhole();
        other.checkWhole();
        NamedFiles files = new NamedFiles();
        nameAll(files);
        other.nameAll(files);
    }

    /** {@return the kind's name} */
    final String name() {
        return spec.name();
    }

    final boolean readOnly() {
        return readOnly || inReadOnly;
    }

    /** Has the target be read only, because what it is a leg of is. */
    void makeReadOnly() {
        inReadOnly = true;
    }

    /** {@return the block size that was asked for, or 0} */
    final int blockSize() {
        return blockSize == null ? 0 : (int) Math.min(blockSize, Integer.MAX_VALUE);
    }

    /** Lets the size be any number of bytes, because what serves the target counts in those. */
    final void takeAnySize() {
        anySize = true;
    }

    /** {@return whether the size may be any number of bytes} */
    final boolean takesAnySize() {
        return anySize;
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
            checkWhole();
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
        return openShaped(false);
    }

    /**
     * {@return the same for a device that had such a target, and is to find all of it again} Fails
     * when some of it is gone.
     */
    final Target openAgain() {
        return MadeFiles.requireNone(this, openShaped(true));
    }

    private Target openShaped(boolean again) {
        try {
            integrity.requireNotLost(this);
            Target target = shaped(open());
            for (FilterKind layer : layers()) {
                target = layer.openOver(target);
            }
            return integrity.over(this, target, again);
        } catch (Throwable e) {
            deleteMade();
            throw e;
        }
    }

    /**
     * {@return a target as the options shape it}
     *
     * @param target closed when this throws
     */
    final Target shaped(Target target) {
        try {
            Geometry own = target.geometry();
            Geometry shaped = shape(own);
            return shaped.equals(own) ? target : new Reshaped(target, shaped);
        } catch (Throwable e) {
            target.close();
            throw e;
        }
    }

    /**
     * Checks a size that a person gave.
     *
     * @throws IllegalArgumentException when it is no whole number of blocks, and has to be
     */
    final void checkSize(long size) {
        if (!anySize) {
            shape(Geometry.ofSize(size));
        }
    }

    /**
     * {@return a target of a size that a person gave}
     *
     * @param maker makes it of a whole number of blocks
     */
    final Target sized(long size, LongFunction<Target> maker) {
        // Fits the largest block.
        long whole = Math.addExact(size, Pages.SIZE - 1) & -Pages.SIZE;
        return size % Sectors.SIZE == 0 ? maker.apply(size) : Uneven.of(maker.apply(whole), size);
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
        return readOnly() && !shaped.readOnly() ? shaped.asReadOnly() : shaped;
    }
}
