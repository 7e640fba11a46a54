package dev.ublk4j.nbd;

import java.security.cert.CertPathBuilderException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;

/**
 * Whether and how connections are encrypted: as an {@code SSLContext} does it. Those of the JDK
 * have certificates; module {@code psk} has one with pre-shared keys.
 */
public final class Tls {
    /** What the JDK says of a client that has to have one. */
    private static final String NO_CERTIFICATE = "Empty client certificate chain";

    private static final Tls OFF = new Tls(null, false, false, null);

    private final @Nullable SSLContext context;
    private final boolean required;
    private final boolean verifiesClients;

    /** The server that a client asks for; null for a server. */
    private final @Nullable String host;

    private Tls(
            @Nullable SSLContext context,
            boolean required,
            boolean verifiesClients,
            @Nullable String host) {
        this.context = context;
        this.required = required;
        this.verifiesClients = verifiesClients;
        this.host = host;
    }

    /**
     * {@return TLS of a client}
     *
     * @param context trusts the server's certificate, and may have a certificate of the client, or
     *     has the client's key
     * @param host whom the server's certificate must name; the empty name for anybody
     */
    static Tls ofClient(SSLContext context, String host) {
        return new Tls(context, true, false, host);
    }

    /** {@return no TLS} */
    public static Tls off() {
        return OFF;
    }

    /**
     * {@return TLS for clients that ask for it}
     *
     * @param context has the server's key and certificate, or the pre-shared keys of clients
     */
    public static Tls offered(SSLContext context) {
        return new Tls(context, false, false, null);
    }

    /**
     * {@return TLS for all clients; others see nothing of the exports}
     *
     * @param context has the server's key and certificate, or the pre-shared keys of clients
     */
    public static Tls required(SSLContext context) {
        return new Tls(context, true, false, null);
    }

    /**
     * {@return the same, for clients only whose certificate the context trusts} Its trust manager
     * should answer no {@linkplain javax.net.ssl.X509TrustManager#getAcceptedIssuers accepted
     * issuers}: clients of GnuTLS that are told of them over TLS 1.3 send no certificate of an RSA
     * key.
     */
    public Tls withVerifiedClients() {
        return new Tls(context, required, true, null);
    }

    boolean isOffered() {
        return context != null;
    }

    boolean isRequired() {
        return required;
    }

    /** {@return why a client and the server have come to no understanding, for people} */
    static String reason(SSLException thrown) {
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            switch (cause) {
                case CertificateExpiredException e -> {
                    return "its certificate has expired (%s)".formatted(e.getMessage());
                }
                case CertificateNotYetValidException e -> {
                    return "its certificate is not valid yet (%s)".formatted(e.getMessage());
                }
                case CertPathBuilderException _ -> {
                    return "its certificate is not signed by a trusted authority";
                }
                default -> {
                    // There may be more to it further down.
                }
            }
        }
        String message = String.valueOf(thrown.getMessage());
        return message.contains(NO_CERTIFICATE) ? "it sent no certificate" : "TLS: " + message;
    }

    SSLEngine engine() {
        if (context == null) {
            throw new IllegalStateException("there is no TLS");
        }
        String server = host;
        if (server != null) {
            return clientEngine(context, server);
        }
        SSLEngine engine = context.createSSLEngine();
        engine.setUseClientMode(false);
        engine.setNeedClientAuth(verifiesClients);
        return engine;
    }

    private static SSLEngine clientEngine(SSLContext context, String server) {
        SSLEngine engine = context.createSSLEngine(server, -1);
        engine.setUseClientMode(true);
        if (!server.isEmpty()) {
            SSLParameters parameters = engine.getSSLParameters();
            // By the rules of HTTPS the certificate has to name the server.
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            engine.setSSLParameters(parameters);
        }
        return engine;
    }
}
