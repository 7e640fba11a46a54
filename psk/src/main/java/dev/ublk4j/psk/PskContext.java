package dev.ublk4j.psk;

import java.security.Provider;
import java.security.SecureRandom;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import org.bouncycastle.tls.crypto.TlsCrypto;
import org.bouncycastle.tls.crypto.impl.jcajce.JcaTlsCryptoProvider;
import org.jspecify.annotations.Nullable;

/** Makes engines of one side: of a server for all users, or of a client for one. */
final class PskContext extends SSLContextSpi {
    private final TlsCrypto crypto = new JcaTlsCryptoProvider().create(new SecureRandom());
    private final PreSharedKeys keys;

    /** Of a client; null for a server. */
    private final @Nullable String user;

    private PskContext(PreSharedKeys keys, @Nullable String user) {
        this.keys = keys;
        this.user = user;
    }

    static SSLContext of(PreSharedKeys keys, @Nullable String user) {
        return new Made(new PskContext(keys, user));
    }

    /** Only subclasses may be made. */
    private static final class Made extends SSLContext {
        Made(SSLContextSpi spi) {
            super(spi, new Maker(), "TLS");
        }
    }

    /** Whom the context is of. Nobody registers it. */
    private static final class Maker extends Provider {
        private static final long serialVersionUID = 1L;

        Maker() {
            super("ublk4j-psk", "1", "TLS with pre-shared keys");
        }
    }

    @Override
    protected SSLEngine engineCreateSSLEngine() {
        return new PskEngine(crypto, keys, user);
    }

    @Override
    protected SSLEngine engineCreateSSLEngine(String host, int port) {
        return engineCreateSSLEngine();
    }

    @Override
    protected SSLParameters engineGetDefaultSSLParameters() {
        return engineCreateSSLEngine().getSSLParameters();
    }

    @Override
    protected SSLParameters engineGetSupportedSSLParameters() {
        return engineGetDefaultSSLParameters();
    }

    @Override
    protected void engineInit(
            KeyManager @Nullable [] keyManagers,
            TrustManager @Nullable [] trustManagers,
            @Nullable SecureRandom random) {
        throw new IllegalStateException("a context of pre-shared keys has been initialized");
    }

    @Override
    protected SSLSocketFactory engineGetSocketFactory() {
        throw new UnsupportedOperationException("pre-shared keys are for SSLEngine only");
    }

    @Override
    protected SSLServerSocketFactory engineGetServerSocketFactory() {
        throw new UnsupportedOperationException("pre-shared keys are for SSLEngine only");
    }

    @Override
    protected SSLSessionContext engineGetServerSessionContext() {
        throw new UnsupportedOperationException("no session is resumed");
    }

    @Override
    protected SSLSessionContext engineGetClientSessionContext() {
        throw new UnsupportedOperationException("no session is resumed");
    }
}
