package dev.ublk4j.cli.serve;

import dev.ublk4j.nbd.NbdOptions;
import dev.ublk4j.nbd.NbdServer;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import java.net.InetSocketAddress;
import java.net.URLEncoder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** NBD, on a UNIX socket or a TCP port; addresses are URIs as other NBD programs take them. */
public final class NbdFront implements Front {
    private static final Charset FILE_NAMES =
            Charset.forName(System.getProperty("sun.jnu.encoding"), StandardCharsets.UTF_8);

    private final NbdServer server;
    private final List<String> names;
    private final String scheme;
    private final @Nullable Path path;
    private final @Nullable InetSocketAddress address;
    private int added;
    private int port;

    /**
     * Makes a front.
     *
     * @param names of the exports, one for each device
     * @param path the UNIX socket, null for TCP
     * @param address the address and port, null for a UNIX socket
     * @param encrypted whether clients are to use TLS
     */
    public NbdFront(
            NbdOptions options,
            List<String> names,
            @Nullable Path path,
            @Nullable InetSocketAddress address,
            boolean encrypted) {
        this.server = new NbdServer(options);
        this.names = names;
        this.path = path;
        this.address = address;
        this.scheme = encrypted ? "nbds" : "nbd";
    }

    @Override
    public Device add(Target target, DeviceOptions options) {
        return server.export(names.get(added++), "", target, options);
    }

    @Override
    public void open() {
        if (path != null) {
            server.listen(path);
        }
        if (address != null) {
            port = server.listen(address);
        }
    }

    @Override
    public String address(int index) {
        String name = encoded(names.get(index), StandardCharsets.UTF_8);
        if (address == null) {
            return "%s+unix:///%s?socket=%s"
                    .formatted(
                            scheme,
                            name,
                            encoded(String.valueOf(path), FILE_NAMES).replace("%2F", "/"));
        }
        String host = address.getAddress().getHostAddress();
        String quoted = host.contains(":") ? "[" + host + "]" : host;
        return "%s://%s:%d/%s".formatted(scheme, quoted, port, name);
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
