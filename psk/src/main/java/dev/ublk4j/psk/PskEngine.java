package dev.ublk4j.psk;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLSession;
import org.bouncycastle.tls.RecordFormat;
import org.bouncycastle.tls.RecordPreview;
import org.bouncycastle.tls.TlsClientProtocol;
import org.bouncycastle.tls.TlsProtocol;
import org.bouncycastle.tls.TlsServerProtocol;
import org.bouncycastle.tls.crypto.TlsCrypto;
import org.jspecify.annotations.Nullable;

/**
 * Bouncy Castle's protocol in the form of the JDK.
 *
 * <p>Records go in one at a time, whole: an engine holds nothing of what has not arrived, and knows
 * of each record where it ends before it takes it. What the protocol has to say, in the handshake
 * and after it, waits in the protocol until {@code wrap} takes it.
 *
 * <p>For any thread. One thread is in it at a time: one direction may have something to say because
 * of what has come in the other, such as new keys.
 */
final class PskEngine extends SSLEngine {
    private final TlsCrypto crypto;
    private final PreSharedKeys keys;
    private final @Nullable String user;
    private final byte[] incoming = new byte[PskSession.PACKET];
    private final byte[] outgoing = new byte[PskSession.APPLICATION];
    private final byte[] header = new byte[RecordFormat.FRAGMENT_OFFSET];
    private List<String> protocols = List.of(Suites.protocols());
    private @Nullable TlsProtocol protocol;
    private @Nullable Peer peer;
    private boolean agreed;
    private boolean closedEarly;

    /**
     * Makes one that has not begun.
     *
     * @param user for a client; null for a server
     */
    PskEngine(TlsCrypto crypto, PreSharedKeys keys, @Nullable String user) {
        this.crypto = crypto;
        this.keys = keys;
        this.user = user;
    }

    @Override
    public synchronized void beginHandshake() throws SSLException {
        TlsProtocol _ = begun();
    }

    private TlsProtocol begun() throws SSLException {
        TlsProtocol there = protocol;
        if (there != null) {
            return there;
        }
        if (closedEarly) {
            throw new SSLException("the engine has been closed");
        }
        try {
            if (user == null) {
                PskServer server = new PskServer(crypto, keys, protocols);
                TlsServerProtocol made = new TlsServerProtocol();
                peer = server;
                protocol = made;
                made.accept(server);
            } else {
                byte[] key = Objects.requireNonNull(keys.key(user), "a key");
                PskClient client = new PskClient(crypto, user, key, protocols);
                TlsClientProtocol made = new TlsClientProtocol();
                peer = client;
                protocol = made;
                made.connect(client);
            }
        } catch (IOException e) {
            throw failed(e);
        }
        return Objects.requireNonNull(protocol);
    }

    private SSLException failed(IOException e) {
        String reason = peer == null ? String.valueOf(e.getMessage()) : peer.reason(e);
        return agreed
                ? new SSLException(reason, e)
                : (SSLException) new SSLHandshakeException(reason).initCause(e);
    }

    @Override
    public synchronized SSLEngineResult unwrap(
            ByteBuffer source, ByteBuffer[] destinations, int offset, int length)
            throws SSLException {
        TlsProtocol now = begun();
        boolean before = agreed;
        if (now.getAvailableInputBytes() > 0) {
            return result(Status.OK, before, 0, deliver(now, destinations, offset, length));
        }
        if (now.isClosed()) {
            return result(Status.CLOSED, before, 0, 0);
        }
        if (!agreed && now.getAvailableOutputBytes() > 0) {
            return result(Status.OK, before, 0, 0);
        }
        if (source.remaining() < header.length) {
            return result(Status.BUFFER_UNDERFLOW, before, 0, 0);
        }
        try {
            source.get(source.position(), header);
            RecordPreview record = now.previewInputRecord(header);
            int size = record.getRecordSize();
            if (source.remaining() < size) {
                return result(Status.BUFFER_UNDERFLOW, before, 0, 0);
            }
            if (room(destinations, offset, length) < record.getContentLimit()) {
                return result(Status.BUFFER_OVERFLOW, before, 0, 0);
            }
            source.get(incoming, 0, size);
            now.offerInput(incoming, 0, size);
            look(now);
            int produced = deliver(now, destinations, offset, length);
            return result(now.isClosed() ? Status.CLOSED : Status.OK, before, size, produced);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private static int room(ByteBuffer[] destinations, int offset, int length) {
        int room = 0;
        for (int i = offset; i < offset + length; i++) {
            room += destinations[i].remaining();
        }
        return room;
    }

    private static int deliver(TlsProtocol now, ByteBuffer[] destinations, int offset, int length) {
        int produced = 0;
        for (int i = offset; i < offset + length; i++) {
            produced += now.readInput(destinations[i], destinations[i].remaining());
        }
        return produced;
    }

    @Override
    public synchronized SSLEngineResult wrap(
            ByteBuffer[] sources, int offset, int length, ByteBuffer destination)
            throws SSLException {
        if (closedEarly) {
            return result(Status.CLOSED, agreed, 0, 0);
        }
        TlsProtocol now = begun();
        boolean before = agreed;
        if (destination.remaining() < PskSession.PACKET) {
            return result(Status.BUFFER_OVERFLOW, before, 0, 0);
        }
        int consumed = 0;
        if (agreed && !now.isClosed() && now.getAvailableOutputBytes() == 0) {
            consumed = gather(sources, offset, length, now.getApplicationDataLimit());
            try {
                now.writeApplicationData(outgoing, 0, consumed);
            } catch (IOException e) {
                throw failed(e);
            }
        }
        int produced = now.readOutput(destination, destination.remaining());
        look(now);
        boolean ended = now.isClosed() && now.getAvailableOutputBytes() == 0;
        return result(ended ? Status.CLOSED : Status.OK, before, consumed, produced);
    }

    private int gather(ByteBuffer[] sources, int offset, int length, int limit) {
        int gathered = 0;
        int most = Math.min(limit, outgoing.length);
        for (int i = offset; i < offset + length; i++) {
            int part = Math.min(sources[i].remaining(), most - gathered);
            sources[i].get(outgoing, gathered, part);
            gathered += part;
        }
        return gathered;
    }

    private void look(TlsProtocol now) {
        agreed |= now.isConnected();
    }

    private SSLEngineResult result(Status status, boolean before, int consumed, int produced) {
        HandshakeStatus handshake = getHandshakeStatus();
        if (agreed && !before && handshake == HandshakeStatus.NOT_HANDSHAKING) {
            handshake = HandshakeStatus.FINISHED;
        }
        return new SSLEngineResult(status, handshake, consumed, produced);
    }

    @Override
    public synchronized HandshakeStatus getHandshakeStatus() {
        TlsProtocol now = protocol;
        if (now == null) {
            return HandshakeStatus.NOT_HANDSHAKING;
        }
        if (now.getAvailableOutputBytes() > 0) {
            return HandshakeStatus.NEED_WRAP;
        }
        // One that has been closed before it had agreed on anything has not done with it.
        return agreed ? HandshakeStatus.NOT_HANDSHAKING : HandshakeStatus.NEED_UNWRAP;
    }

    @Override
    public @Nullable Runnable getDelegatedTask() {
        return null;
    }

    @Override
    public synchronized void closeInbound() throws SSLException {
        if (protocol == null) {
            closedEarly = true;
            return;
        }
        try {
            protocol.closeInput();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    @Override
    public synchronized boolean isInboundDone() {
        return closedEarly
                || (protocol != null
                        && protocol.isClosed()
                        && protocol.getAvailableInputBytes() == 0);
    }

    @Override
    public synchronized void closeOutbound() {
        if (protocol == null) {
            closedEarly = true;
            return;
        }
        try {
            protocol.close();
        } catch (IOException e) {
            // It writes into memory.
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public synchronized boolean isOutboundDone() {
        return closedEarly
                || (protocol != null
                        && protocol.isClosed()
                        && protocol.getAvailableOutputBytes() == 0);
    }

    @Override
    public String[] getSupportedCipherSuites() {
        return Suites.names();
    }

    @Override
    public String[] getEnabledCipherSuites() {
        return Suites.names();
    }

    @Override
    public void setEnabledCipherSuites(String[] suites) {
        if (!Suites.areAll(suites)) {
            throw new IllegalArgumentException("the cipher suites of pre-shared keys are fixed");
        }
    }

    @Override
    public String[] getSupportedProtocols() {
        return Suites.protocols();
    }

    @Override
    public synchronized String[] getEnabledProtocols() {
        return protocols.toArray(String[]::new);
    }

    @Override
    public synchronized void setEnabledProtocols(String[] enabled) {
        if (enabled.length == 0
                || !List.of(Suites.protocols()).containsAll(Arrays.asList(enabled))) {
            throw new IllegalArgumentException(
                    "not protocols of pre-shared keys: " + Arrays.toString(enabled));
        }
        protocols = List.of(enabled);
    }

    @Override
    public synchronized SSLSession getSession() {
        return new PskSession(peer == null ? null : peer.agreed());
    }

    @Override
    public void setUseClientMode(boolean mode) {
        if (mode != getUseClientMode()) {
            throw new IllegalArgumentException(
                    mode ? "the keys are a server's" : "the key is a client's");
        }
    }

    @Override
    public boolean getUseClientMode() {
        return user != null;
    }

    /** Whoever is let in has a key, whatever is asked for. */
    @Override
    public void setNeedClientAuth(boolean need) {}

    @Override
    public boolean getNeedClientAuth() {
        return true;
    }

    @Override
    public void setWantClientAuth(boolean want) {}

    @Override
    public boolean getWantClientAuth() {
        return false;
    }

    @Override
    public void setEnableSessionCreation(boolean flag) {
        if (!flag) {
            throw new IllegalArgumentException("no session is resumed");
        }
    }

    @Override
    public boolean getEnableSessionCreation() {
        return true;
    }
}
