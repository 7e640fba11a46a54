package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.serve.Front;
import dev.ublk4j.cli.serve.NbdFront;
import dev.ublk4j.cli.serve.PassedSockets;
import dev.ublk4j.nbd.NbdOptions;
import dev.ublk4j.nbd.NbdServer;
import dev.ublk4j.nbd.Tls;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code ublk4j export nbd}. */
@Command(
        name = "nbd",
        description = "Serve targets to NBD clients, such as qemu-img, nbdcopy and nbd-client.",
        synopsisSubcommandLabel = "TARGET",
        subcommandsRepeatable = true,
        commandListHeading = "%nTargets:%n",
        footer = {
            "",
            "Prints the NBD URI for clients. Options of the export go before the first"
                    + " target. Several targets need one --name each, in the same order.",
            "",
            "Examples:",
            "  ublk4j export nbd --socket /tmp/disk.sock file disk.img",
            "  ublk4j export nbd --name a --name b file a.img memory --size 1G",
            "  ublk4j export nbd --socket /tmp/ab.sock stripe a.img b.img --chunk 128K",
            "  ublk4j export nbd --tls required --certificates pki file disk.img",
            "  ublk4j export nbd --tls required --psk keys.psk file disk.img"
        })
final class ExportNbdCommand extends ExportProtocol {
    /** Whether clients may or must use TLS. */
    enum TlsChoice {
        OFF,
        OFFERED,
        REQUIRED;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** Reads one. */
        static final class Reader extends Choice<TlsChoice> {
            /** Creates the converter; picocli does so. */
            Reader() {
                super(TlsChoice.class);
            }
        }
    }

    private static final String DEFAULT_ADDRESS = "127.0.0.1:10809";

    @Option(
            names = {"-s", "--socket"},
            paramLabel = "PATH",
            description = "Listen on a UNIX socket.")
    private @Nullable Path socket;

    @Option(
            names = {"-l", "--listen"},
            paramLabel = "ADDRESS:PORT",
            converter = ListenAddress.class,
            description =
                    "Listen on TCP, also besides --socket. Default without both: "
                            + DEFAULT_ADDRESS
                            + ".")
    private @Nullable InetSocketAddress address;

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "The export name. Default: the empty name.")
    private List<String> names = new ArrayList<>();

    @Option(
            names = "--description",
            paramLabel = "TEXT",
            description = "What clients that list the exports are told of one; once per target.")
    private List<String> descriptions = new ArrayList<>();

    @Option(
            names = "--max-connections",
            paramLabel = "COUNT",
            defaultValue = "128",
            description =
                    "Maximum number of clients; each uses up to 8 MiB of memory. Default:"
                            + " ${DEFAULT-VALUE}.")
    private int maxConnections;

    @Option(
            names = "--max-payloads",
            paramLabel = "SIZE",
            defaultValue = "256M",
            converter = ByteSize.class,
            description =
                    "Memory for request data that does not fit into that, shared by all clients;"
                            + " a client that needs more waits. Default: ${DEFAULT-VALUE}.")
    private long maxPayloads;

    @Option(
            names = "--tls",
            paramLabel = "WHETHER",
            defaultValue = "off",
            converter = TlsChoice.Reader.class,
            description = "${COMPLETION-CANDIDATES}; default: ${DEFAULT-VALUE}.")
    private TlsChoice tls = TlsChoice.OFF;

    @Option(
            names = "--certificates",
            paramLabel = "FOLDER",
            description =
                    "The folder of server-cert.pem, server-key.pem and, for --verify-clients,"
                            + " ca-cert.pem.")
    private @Nullable Path certificates;

    @Option(
            names = "--psk",
            paramLabel = "FILE",
            description =
                    "Instead of --certificates: accept only clients with a pre-shared key that is in"
                            + " FILE, which has USER:KEY on each line, the key in hexadecimal digits.")
    private @Nullable Path psk;

    @Option(
            names = "--verify-clients",
            description = "Accept only clients with a certificate that ca-cert.pem has signed.")
    private boolean verifiesClients;

    @Option(
            names = "--allow-client",
            paramLabel = "NAME",
            description =
                    "With --verify-clients: accept only clients whose certificate has this name, such"
                            + " as CN=laptop, CN=laptop,O=Example or DNS:laptop.example.com. May be"
                            + " repeated; one that fits is enough.")
    private List<String> allowed = new ArrayList<>();

    @Override
    void check(int targets) {
        if (names.isEmpty() && targets == 1) {
            names.add("");
        }
        if (names.size() != targets || Set.copyOf(names).size() != targets) {
            throw new IllegalArgumentException(
                    "%d targets need %<d different names: --name NAME".formatted(targets));
        }
        if (!descriptions.isEmpty() && descriptions.size() != targets) {
            throw new IllegalArgumentException(
                    "%d targets need %<d descriptions, or none".formatted(targets));
        }
        for (String description : descriptions) {
            if (description.getBytes(StandardCharsets.UTF_8).length > NbdServer.MAX_DESCRIPTION) {
                throw new IllegalArgumentException(
                        "a description of more than %d bytes".formatted(NbdServer.MAX_DESCRIPTION));
            }
        }
        if (!PassedSockets.ofProcess().descriptors().isEmpty()) {
            requireForeground("LISTEN_FDS");
            if (socket != null || address != null) {
                throw new IllegalArgumentException(
                        "--socket and --listen exclude sockets that were passed (LISTEN_FDS)");
            }
        }
        checkTls();
        var _ = options();
    }

    private void checkTls() {
        if (certificates != null && psk != null) {
            throw new IllegalArgumentException("--certificates and --psk exclude each other");
        }
        if ((tls == TlsChoice.OFF) != (certificates == null && psk == null)) {
            throw new IllegalArgumentException("--tls goes with --certificates or --psk");
        }
        if (verifiesClients && tls == TlsChoice.OFF) {
            throw new IllegalArgumentException("--verify-clients needs --tls");
        }
        if (psk != null && (verifiesClients || !allowed.isEmpty())) {
            throw new IllegalArgumentException(
                    "--verify-clients and --allow-client are for --certificates; who has a key in the"
                            + " file of --psk is let in");
        }
        if (!allowed.isEmpty() && !verifiesClients) {
            throw new IllegalArgumentException("--allow-client needs --verify-clients");
        }
        var _ = AllowedClients.of(allowed);
    }

    @Override
    boolean countsBytes() {
        return true;
    }

    private NbdOptions options() {
        return NbdOptions.defaults()
                .withMaxConnections(maxConnections)
                .withMaxPayloads(maxPayloads)
                .withLongestPoll(longestPoll());
    }

    @Override
    Front front() {
        List<NbdFront.Name> exported = new ArrayList<>();
        for (int index = 0; index < names.size(); index++) {
            String description = descriptions.isEmpty() ? "" : descriptions.get(index);
            exported.add(new NbdFront.Name(names.get(index), description));
        }
        return new NbdFront(options().withTls(openTls()), exported, places(), tls != TlsChoice.OFF);
    }

    private NbdFront.Places places() {
        List<Integer> passed = PassedSockets.ofProcess().descriptors();
        boolean anywhere = socket != null || address != null || !passed.isEmpty();
        return new NbdFront.Places(
                socket, anywhere ? address : new ListenAddress().convert(DEFAULT_ADDRESS), passed);
    }

    private Tls openTls() {
        if (tls == TlsChoice.OFF) {
            return Tls.off();
        }
        try {
            SSLContext context = context();
            Tls chosen = tls == TlsChoice.REQUIRED ? Tls.required(context) : Tls.offered(context);
            return verifiesClients ? chosen.withVerifiedClients() : chosen;
        } catch (IOException e) {
            throw new Failure(Explanation.of(e), e);
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new Failure("%s: %s".formatted(certificates, e.getMessage()), e);
        }
    }

    private SSLContext context() throws IOException, GeneralSecurityException {
        if (psk != null) {
            return KeyFile.load(psk);
        }
        Path folder = Objects.requireNonNull(certificates, "certificates");
        return Certificates.load(folder, verifiesClients, AllowedClients.of(allowed));
    }
}
