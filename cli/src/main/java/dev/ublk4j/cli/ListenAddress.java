package dev.ublk4j.cli;

import java.net.InetSocketAddress;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Addresses to listen on: {@code HOST:PORT}, {@code [::1]:PORT}, {@code :PORT} for any. */
final class ListenAddress implements ITypeConverter<InetSocketAddress> {
    private static final int MAX_PORT = 65_535;

    /** Creates the converter; picocli does so. */
    ListenAddress() {}

    @Override
    public InetSocketAddress convert(String text) {
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? "" : text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        } else if (host.contains(":")) {
            throw new TypeConversionException("write an IPv6 address like [::1]:10809");
        }
        int port = port(text.substring(colon + 1));
        InetSocketAddress address =
                host.isEmpty() ? new InetSocketAddress(port) : new InetSocketAddress(host, port);
        if (colon < 0 || address.isUnresolved()) {
            throw new TypeConversionException(
                    "'" + text + "' is not an address; write it like 127.0.0.1:10809");
        }
        return address;
    }

    private static int port(String text) {
        try {
            int port = Integer.parseInt(text);
            if (port >= 0 && port <= MAX_PORT) {
                return port;
            }
        } catch (NumberFormatException e) {
            throw new TypeConversionException("'" + text + "' is not a port");
        }
        throw new TypeConversionException("'" + text + "' is not a port");
    }
}
