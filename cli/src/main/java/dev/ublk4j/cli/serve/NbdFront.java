package dev.ublk4j.cli.serve;

import dev.ublk4j.nbd.NbdOptions;
import dev.ublk4j.nbd.NbdServer;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URLEncoder;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** NBD, on UNIX sockets and TCP ports; addresses are URIs as other NBD programs take them. */
public final class NbdFront implements Front {
    private static final Charset FILE_NAMES =
            Charset.forName(System.getProperty("sun.jnu.encoding"), StandardCharsets.UTF_8);

    private final NbdServer server;
    private final List<Name> names;
    private final String scheme;
    private final Places places;

    /** In the order of the places. */
    private final List<Listening> listening = new ArrayList<>();

    private int added;

    /**
     * How clients find an export.
     *
     * @param name what they ask for
     * @param description for people
     */
    public record Name(String name, String description) {}

    /**
     * Where to listen.
     *
     * @param path a UNIX socket, or null
     * @param address an address and port, or null
     * @param descriptors sockets that listen already and were passed to this process
     */
    public record Places(
            @Nullable Path path, @Nullable InetSocketAddress address, List<Integer> descriptors) {}

    /** A place at which clients are let in: a path, or else an address, or a name of its own. */
    private record Listening(
            @Nullable Path path, @Nullable InetSocketAddress address, String otherwise) {}

    /**
     * Makes a front.
     *
     * @param names of the exports, one for each device
     * @param encrypted whether clients are to use TLS
     */
    public NbdFront(NbdOptions options, List<Name> names, Places places, boolean encrypted) {
        this.server = new NbdServer(options);
        this.names = List.copyOf(names);
        this.places = places;
        this.scheme = encrypted ? "nbds" : "nbd";
    }

    @Override
    public Device add(Target target, DeviceOptions options) {
        Name next = names.get(added++);
        return server.export(next.name(), next.description(), target, options);
    }

    @Override
    public void open() {
        Path path = places.path();
        if (path != null) {
            server.listen(path);
            listening.add(new Listening(path, null, ""));
        }
        InetSocketAddress address = places.address();
        if (address != null) {
            int port = server.listen(address);
            listening.add(
                    new Listening(null, new InetSocketAddress(address.getAddress(), port), ""));
        }
        for (int descriptor : places.descriptors()) {
            SocketAddress inherited = server.listenInherited(descriptor);
            listening.add(
                    new Listening(
                            inherited instanceof UnixDomainSocketAddress local
                                    ? local.getPath()
                                    : null,
                            inherited instanceof InetSocketAddress remote ? remote : null,
                            "fd:" + descriptor));
        }
    }

    @Override
    public List<String> addresses(int index) {
        String name = encoded(names.get(index).name(), StandardCharsets.UTF_8);
        return listening.stream().map(place -> uri(place, name)).toList();
    }

    private String uri(Listening place, String name) {
        if (place.path() != null) {
            String path = encoded(place.path().toString(), FILE_NAMES).replace("%2F", "/");
            return "%s+unix:///%s?socket=%s".formatted(scheme, name, path);
        }
        if (place.address() == null) {
            return place.otherwise();
        }
        String host = place.address().getAddress().getHostAddress();
        String quoted = host.contains(":") ? "[" + host + "]" : host;
        return "%s://%s:%d/%s".formatted(scheme, quoted, place.address().getPort(), name);
    }

    private static String encoded(String text, Charset encoding) {
        return URLEncoder.encode(text, encoding).replace("+", "%20");
    }

    @Override
    public void close() {
        server.close();
    }

    @Override
    public String toString() {
        return server.toString();
    }
}
