package dev.ublk4j.nbd;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where an export is, as NBD URIs say it: {@code nbd://host:port/name}, {@code nbds://} with TLS,
 * {@code nbd+unix:///name?socket=path} and {@code nbds+unix://}.
 *
 * @param text the URI itself
 * @param tls whether the connection is encrypted
 * @param host of a server on TCP, null for one on a UNIX socket
 * @param port of a server on TCP
 * @param socket of a server on a UNIX socket
 * @param export the name, which may be empty
 */
public record NbdUri(
        String text,
        boolean tls,
        @Nullable String host,
        int port,
        @Nullable Path socket,
        String export) {
    private static final int DEFAULT_PORT = 10809;
    private static final String SOCKET = "socket=";

    /**
     * {@return what a URI says}
     *
     * @throws IllegalArgumentException when it is none of NBD
     */
    public static NbdUri parse(String text) {
        URI uri;
        try {
            uri = new URI(text);
        } catch (URISyntaxException e) {
            throw refused(text, e.getReason(), e);
        }
        String scheme = uri.getScheme() == null ? "" : uri.getScheme();
        String path = uri.getPath() == null ? "" : uri.getPath();
        String export = path.startsWith("/") ? path.substring(1) : path;
        return switch (scheme) {
            case "nbd", "nbds" -> {
                if (uri.getHost() == null) {
                    throw refused(text, "there is no host in it", null);
                }
                int port = uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort();
                if (port < 1 || port > 0xffff) {
                    throw refused(text, "its port is not between 1 and 65535", null);
                }
                String host = uri.getHost().replaceAll("^\\[|\\]$", "");
                yield new NbdUri(text, scheme.equals("nbds"), host, port, null, export);
            }
            case "nbd+unix", "nbds+unix" -> {
                Path socket = socket(uri.getRawQuery());
                if (socket == null) {
                    throw refused(text, "there is no socket=PATH in it", null);
                }
                yield new NbdUri(text, scheme.startsWith("nbds"), null, 0, socket, export);
            }
            default ->
                    throw refused(
                            text,
                            "it begins with nbd://, nbds://, nbd+unix:// or nbds+unix://",
                            null);
        };
    }

    private static @Nullable Path socket(@Nullable String query) {
        for (String each : query == null ? new String[0] : query.split("&", -1)) {
            if (each.startsWith(SOCKET) && each.length() > SOCKET.length()) {
                String path = each.substring(SOCKET.length()).replace("+", "%2B");
                return Path.of(URLDecoder.decode(path, StandardCharsets.UTF_8));
            }
        }
        return null;
    }

    private static IllegalArgumentException refused(
            String text, String why, @Nullable Throwable cause) {
        return new IllegalArgumentException("no NBD URI: '%s': %s".formatted(text, why), cause);
    }

    @Override
    public String toString() {
        return text;
    }
}
