package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.nbd.NbdTarget;
import dev.ublk4j.nbd.NbdUri;
import dev.ublk4j.server.Target;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The kind {@code nbd}. */
@Command(
        name = "nbd",
        description = "A device that an NBD server exports, such as qemu-nbd or nbdkit.",
        footer = {
            "",
            "Examples:",
            "  ublk4j add nbd nbd://server.example.com/disk",
            "  ublk4j add nbd 'nbd+unix:///?socket=/tmp/disk.sock'",
            "  ublk4j add nbd nbds://alice@server.example.com/disk --psk keys.psk"
        })
final class NbdKind extends TargetKind {
    private static final String SCHEME = "nbd:";

    @Parameters(
            arity = "1",
            paramLabel = "URI",
            description = {
                "The export: nbd://HOST[:PORT]/NAME, nbds:// for TLS, nbd+unix:///NAME?socket=PATH or"
                        + " nbds+unix://. nbds://USER@HOST/NAME says whose pre-shared key to use."
            })
    @SuppressWarnings("NullAway.Init") // set by picocli
    private String uri;

    @Option(
            names = "--certificates",
            paramLabel = "FOLDER",
            description =
                    "For TLS: trust servers that ca-cert.pem in FOLDER has signed, and show them"
                            + " client-cert.pem with client-key.pem, if they are there. Default:"
                            + " trust whom the JDK trusts.")
    private @Nullable Path certificates;

    @Option(
            names = "--psk",
            paramLabel = "FILE",
            description =
                    "For TLS without certificates: the pre-shared key that FILE has for the user of"
                            + " the URI, or its only one. FILE has USER:KEY on each line. The URI"
                            + " may name it too: ?tls-psk-file=FILE.")
    private @Nullable Path psk;

    @Option(
            names = "--patience",
            paramLabel = "TIME",
            defaultValue = "60s",
            converter = TimeSpan.class,
            description =
                    "How long a request may take, connecting again to a lost server included."
                            + " Default: ${DEFAULT-VALUE}.")
    private Duration patience = NbdTarget.DEFAULT_PATIENCE;

    /** {@return the export} In a leg the kind's name is the scheme, and stands before this. */
    private NbdUri parsed() {
        return NbdUri.parse(uri.startsWith("//") ? SCHEME + uri : uri);
    }

    private NbdUri absolute() {
        NbdUri named = parsed();
        Path socket = named.socket();
        if (socket != null && !socket.isAbsolute()) {
            throw new IllegalArgumentException(
                    "the socket is no absolute path: %s".formatted(named));
        }
        Path keys = named.pskFile();
        if (keys != null && !keys.isAbsolute()) {
            throw new IllegalArgumentException(
                    "the file of keys is no absolute path: %s".formatted(named));
        }
        return named;
    }

    @Override
    String source() {
        return parsed().text();
    }

    @Override
    void check() {
        NbdUri named = absolute();
        if (certificates != null && !named.tls()) {
            throw new IllegalArgumentException("--certificates is for nbds:// and nbds+unix://");
        }
        if (psk != null && !named.tls()) {
            throw new IllegalArgumentException("--psk is for nbds:// and nbds+unix://");
        }
        if (psk != null && named.pskFile() != null) {
            throw new IllegalArgumentException("--psk and tls-psk-file exclude each other");
        }
        if (certificates != null && keys(named) != null) {
            throw new IllegalArgumentException(
                    "--certificates and a file of keys exclude each other");
        }
        if (patience.compareTo(Duration.ofSeconds(1)) < 0) {
            throw new IllegalArgumentException("--patience is less than a second");
        }
    }

    @Override
    TargetSpec ownSpec() {
        TargetSpec spec = TargetSpec.of(name());
        if (certificates != null) {
            spec = spec.with("certificates", certificates.toAbsolutePath().normalize().toString());
        }
        if (psk != null) {
            spec = spec.with("psk", psk.toAbsolutePath().normalize().toString());
        }
        if (!patience.equals(NbdTarget.DEFAULT_PATIENCE)) {
            spec = spec.with("patience", patience.toMillis() + "ms");
        }
        return spec.withArgument(parsed().text());
    }

    @Override
    Target open() {
        NbdUri named = absolute();
        try {
            return NbdTarget.connect(named, context(named), patience);
        } catch (EOFException e) {
            // Many servers say no more to a client whose key they do not know.
            String hint = keys(named) == null ? "" : "; has the server the same key of this user?";
            throw new Failure("%s: %s%s".formatted(named, e.getMessage(), hint), e);
        } catch (IOException | GeneralSecurityException e) {
            String why = Explanation.of(e);
            throw new Failure(why.contains(named.text()) ? why : named + ": " + why, e);
        }
    }

    private @Nullable Path keys(NbdUri named) {
        return psk == null ? named.pskFile() : psk;
    }

    private @Nullable SSLContext context(NbdUri named)
            throws IOException, GeneralSecurityException {
        if (!named.tls()) {
            return null;
        }
        Path keys = keys(named);
        if (keys != null) {
            return KeyFile.loadOfClient(keys, named.user());
        }
        return certificates == null
                ? SSLContext.getDefault()
                : Certificates.loadOfClient(certificates);
    }
}
