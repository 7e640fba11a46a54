package dev.ublk4j.psk;

import java.security.Principal;
import java.security.cert.Certificate;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSessionContext;
import org.jspecify.annotations.Nullable;

/** What an engine's connection is like. It is of that connection only, and never resumed. */
final class PskSession implements SSLSession {
    /** The most bytes of plain text in a record. */
    static final int APPLICATION = 1 << 14;

    /** The most bytes of a record: what TLS 1.2 lets encryption add, and the header. */
    static final int PACKET = 5 + APPLICATION + 2048;

    private final long created = System.currentTimeMillis();
    private final @Nullable Agreed agreed;

    PskSession(@Nullable Agreed agreed) {
        this.agreed = agreed;
    }

    @Override
    public byte[] getId() {
        return new byte[0];
    }

    @Override
    public @Nullable SSLSessionContext getSessionContext() {
        return null;
    }

    @Override
    public long getCreationTime() {
        return created;
    }

    @Override
    public long getLastAccessedTime() {
        return created;
    }

    @Override
    public void invalidate() {
        // Nobody could resume it.
    }

    @Override
    public boolean isValid() {
        return false;
    }

    @Override
    public void putValue(String name, Object value) {
        throw new UnsupportedOperationException("a session with a pre-shared key keeps no values");
    }

    @Override
    public @Nullable Object getValue(String name) {
        return null;
    }

    @Override
    public void removeValue(String name) {
        // There is none.
    }

    @Override
    public String[] getValueNames() {
        return new String[0];
    }

    @Override
    public Certificate[] getPeerCertificates() throws SSLPeerUnverifiedException {
        throw new SSLPeerUnverifiedException("the peer has a pre-shared key and no certificate");
    }

    @Override
    public Certificate @Nullable [] getLocalCertificates() {
        return null;
    }

    @Override
    public Principal getPeerPrincipal() throws SSLPeerUnverifiedException {
        if (agreed == null) {
            throw new SSLPeerUnverifiedException("the handshake has not ended");
        }
        return agreed.user();
    }

    @Override
    public @Nullable Principal getLocalPrincipal() {
        return agreed == null ? null : agreed.user();
    }

    @Override
    public String getCipherSuite() {
        return agreed == null ? "SSL_NULL_WITH_NULL_NULL" : agreed.suite();
    }

    @Override
    public String getProtocol() {
        return agreed == null ? "NONE" : agreed.protocol();
    }

    @Override
    public @Nullable String getPeerHost() {
        return null;
    }

    @Override
    public int getPeerPort() {
        return -1;
    }

    @Override
    public int getPacketBufferSize() {
        return PACKET;
    }

    @Override
    public int getApplicationBufferSize() {
        return APPLICATION;
    }
}
