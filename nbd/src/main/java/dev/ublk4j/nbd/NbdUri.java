package dev.ublk4j.nbd;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where an export is, as NBD URIs say it: {@code nbd://host:port/name}, {@code nbds://} with TLS,
 * {@code nbd+unix:///name?socket=path} and {@code nbds+unix://}. With TLS it may say whose
 * pre-shared key to use, and where that is: {@code nbds://user@host/name?tls-psk-file=path}.
 *
 * @param text the URI itself
 * @param tls whether the connection is encrypted
 * @param host of a server on TCP, null for one on a UNIX socket
 * @param port of a server on TCP
 * @param socket of a server on a UNIX socket
 * @param export the name, which may be empty
 * @param user whose pre-shared key to use, null when it is not said
 * @param pskFile where that key is, null when it is not said
 */
public record NbdUri(
        String text,
        boolean tls,
        @Nullable String host,
        int port,
        @Nullable Path socket,
        String export,
        @Nullable String user,
        @Nullable Path pskFile) {
    private static final int DEFAULT_PORT = 10809;
    private static final String SOCKET = "socket";
    private static final String PSK_FILE = "tls-psk-file";

    private static final Pattern PASSWORD = Pattern.compile("^[^/?#]*//[^/?#@]*:[^/?#]*@");

    /**
     * {@return what a URI says}
     *
     * @throws IllegalArgumentException when it is none of NBD
     */
    public static NbdUri parse(String text) {
        if (PASSWORD.matcher(text).find()) {
            // It may be a secret, and is not printed.
            throw new IllegalArgumentException(
                    "no NBD URI: there is a password in it; a pre-shared key is in a file");
        }
        URI uri;
        try {
            uri = new URI(text);
        } catch (URISyntaxException e) {
            throw refused(text, e.getReason(), e);
        }
        String scheme = uri.getScheme() == null ? "" : uri.getScheme();
        String path = uri.getPath() == null ? "" : uri.getPath();
        String export = path.startsWith("/") ? path.substring(1) : path;
        boolean tls = scheme.startsWith("nbds");
        String user = user(uri);
        Path pskFile = parameter(uri.getRawQuery(), PSK_FILE);
        if (pskFile != null && !tls) {
            throw refused(text, PSK_FILE + " is for nbds:// and nbds+unix://", null);
        }
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
                yield new NbdUri(text, tls, host, port, null, export, user, pskFile);
            }
            case "nbd+unix", "nbds+unix" -> {
                Path socket = parameter(uri.getRawQuery(), SOCKET);
                if (socket == null) {
                    throw refused(text, "there is no socket=PATH in it", null);
                }
                yield new NbdUri(text, tls, null, 0, socket, export, user, pskFile);
            }
            default ->
                    throw refused(
                            text,
                            "it begins with nbd://, nbds://, nbd+unix:// or nbds+unix://",
                            null);
        };
    }

    private static @Nullable Path parameter(@Nullable String query, String name) {
        String wanted = name + "=";
        for (String each : query == null ? new String[0] : query.split("&", -1)) {
            if (each.startsWith(wanted) && each.length() > wanted.length()) {
                return Path.of(decoded(each.substring(wanted.length())));
            }
        }
        return null;
    }

    /** A URI without a host has no part of its own for the user. */
    private static @Nullable String user(URI uri) {
        String authority = uri.getRawAuthority();
        int at = authority == null ? -1 : authority.lastIndexOf('@');
        if (authority == null || at <= 0) {
            return null;
        }
        return decoded(authority.substring(0, at));
    }

    /** A plus stands for itself. */
    private static String decoded(String text) {
        return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
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
