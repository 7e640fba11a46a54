package dev.ublk4j.nbd;

import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * Whether and how connections are encrypted: with certificates, as the JDK does it. It has no
 * pre-shared keys of the kind that other NBD programs know.
 */
public final class Tls {
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

    /** {@return the same, for clients only whose certificate the context trusts} */
    public Tls withVerifiedClients() {
        return new Tls(context, required, true);
    }

    boolean isOffered() {
        return context != null;
    }

    boolean isRequired() {
        return required;
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
