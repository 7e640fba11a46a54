package dev.ublk4j.nbd;

import java.security.cert.CertPathBuilderException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Whether and how connections are encrypted: with certificates, as the JDK does it. It has no
 * pre-shared keys of the kind that other NBD programs know.
 */
public final class Tls {
    /** What the JDK says of a client that has to have one. */
    private static final String NO_CERTIFICATE = "Empty client certificate chain";

    private static final Tls OFF = new Tls(null, false, false);

    private final @Nullable SSLContext context;
    private final boolean required;
    private final boolean verifiesClients;

    private Tls(@Nullable SSLContext context, boolean required, boolean verifiesClients) {
        this.context = context;
        this.required = required;
        this.verifiesClients = verifiesClients;
    }

    /** {@return no TLS} */
    public static Tls off() {
        return OFF;
    }

    /**
     * {@return TLS for clients that ask for it}
     *
     * @param context has the server's key and certificate
     */
    public static Tls offered(SSLContext context) {
        return new Tls(context, false, false);
    }

    /**
     * {@return TLS for all clients; others see nothing of the exports}
     *
     * @param context has the server's key and certificate
     */
    public static Tls required(SSLContext context) {
        return new Tls(context, true, false);
    }

    /**
     * {@return the same, for clients only whose certificate the context trusts} Its trust manager
     * should answer no {@linkplain javax.net.ssl.X509TrustManager#getAcceptedIssuers accepted
     * issuers}: clients of GnuTLS that are told of them over TLS 1.3 send no certificate of an RSA
     * key.
     */
    public Tls withVerifiedClients() {
        return new Tls(context, required, true);
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
        SSLEngine engine = context.createSSLEngine();
        engine.setUseClientMode(false);
        engine.setNeedClientAuth(verifiesClients);
        return engine;
    }
}
