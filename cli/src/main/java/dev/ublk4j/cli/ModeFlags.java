package dev.ublk4j.cli;

import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Mode;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The mode of a device, where the best is not wanted. */
@Command
final class ModeFlags {
    /** What may be written, for help and completion. */
    static final class Names implements Iterable<String> {
        /** Creates them; picocli does so. */
        Names() {}

        @Override
        public Iterator<String> iterator() {
            return all().iterator();
        }

        private static Stream<String> all() {
            return Arrays.stream(Mode.Data.values())
                    .flatMap(data ->
                            data == Mode.Data.GET_DATA
                                    ? Stream.of(new Mode(data, false))
                                    : Stream.of(new Mode(data, false), new Mode(data, true)))
                    .map(Mode::toString);
        }
    }

    /** Reads a mode, in any case. */
    static final class Converter implements ITypeConverter<Mode> {
        /** Creates the converter; picocli does so. */
        Converter() {}

        @Override
        public Mode convert(String text) {
            try {
                return Mode.parse(text.toLowerCase(Locale.ROOT));
            } catch (IllegalArgumentException _) {
                throw Choice.unknown(text, Names.all());
            }
        }
    }

    @Option(
            names = "--mode",
            paramLabel = "MODE",
            scope = ScopeType.INHERIT,
            converter = Converter.class,
            completionCandidates = Names.class,
            description = {
                "Who brings the data of requests that is not in shared memory: the driver (copy, or"
                        + " get-data, when the server asks for it), the server with pread and pwrite"
                        + " (user-copy), or nobody, because the pages of the request are registered"
                        + " with io_uring by the driver (zero-copy) or the server"
                        + " (manual-zero-copy). The last two are for null and file. With ',batch'"
                        + " one command is about many requests; Linux up to 7.3 may crash when the"
                        + " server of such a device is killed while it is in use. Default: what is"
                        + " best for the target and the kernel; 'ublk4j list' shows it."
            })
    private @Nullable Mode mode;

    @Option(names = "-u", scope = ScopeType.INHERIT, description = "Short for --mode user-copy.")
    private boolean userCopy;

    @Option(names = "-z", scope = ScopeType.INHERIT, description = "Short for --mode zero-copy.")
    private boolean zeroCopy;

    /**
     * {@return these options with the mode that was chosen, or the best}
     *
     * @throws IllegalArgumentException when several were
     */
    DeviceOptions choose(DeviceOptions options) {
        int chosen = (mode == null ? 0 : 1) + (userCopy ? 1 : 0) + (zeroCopy ? 1 : 0);
        if (chosen > 1) {
            throw new IllegalArgumentException("--mode, -u and -z exclude each other");
        }
        if (userCopy) {
            return options.with(new Mode(Mode.Data.USER_COPY, false));
        }
        if (zeroCopy) {
            return options.with(new Mode(Mode.Data.ZERO_COPY, false));
        }
        return mode == null ? options.withBestMode() : options.with(mode);
    }
}
