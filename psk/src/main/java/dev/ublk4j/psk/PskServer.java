package dev.ublk4j.psk;

import java.io.IOException;
import java.util.List;
import java.util.Vector;
import org.bouncycastle.tls.AlertDescription;
import org.bouncycastle.tls.BasicTlsPSKExternal;
import org.bouncycastle.tls.PRFAlgorithm;
import org.bouncycastle.tls.PSKTlsServer;
import org.bouncycastle.tls.ProtocolVersion;
import org.bouncycastle.tls.PskIdentity;
import org.bouncycastle.tls.TlsCredentials;
import org.bouncycastle.tls.TlsFatalAlert;
import org.bouncycastle.tls.TlsFatalAlertReceived;
import org.bouncycastle.tls.TlsPSKExternal;
import org.bouncycastle.tls.TlsPSKIdentityManager;
import org.bouncycastle.tls.crypto.TlsCrypto;
import org.jspecify.annotations.Nullable;

/**
 * A server of users with keys. An unknown user gets a key that nobody has, so that he is refused
 * where and as one with a wrong key is.
 */
final class PskServer extends PSKTlsServer implements Peer {
    private static final int MOST_SHOWN = 64;

    private final PreSharedKeys keys;
    private final List<String> protocols;
    private @Nullable String claimed;
    private boolean known;
    private @Nullable Agreed agreed;

    PskServer(TlsCrypto crypto, PreSharedKeys keys, List<String> protocols) {
        // The superclass hands it out, and so it has to be there first; it asks nothing of it.
        super(crypto, null);
        this.keys = keys;
        this.protocols = protocols;
        this.pskIdentityManager = new Lookup();
    }

    /** In TLS 1.2. */
    private final class Lookup implements TlsPSKIdentityManager {
        @Override
        public byte @Nullable [] getHint() {
            return null;
        }

        @Override
        public byte[] getPSK(byte[] identity) {
            return key(identity);
        }
    }

    private byte[] key(byte[] identity) {
        String name = PreSharedKeys.text(identity);
        claimed = name == null ? "?" : name;
        byte[] nobodys = new byte[32];
        getCrypto().getSecureRandom().nextBytes(nobodys);
        byte[] key = name == null ? null : keys.key(name);
        known = key != null;
        return key == null ? nobodys : key;
    }

    /**
     * {@inheritDoc}
     *
     * <p>In TLS 1.3. Of several names that a client has, the first: one who has a key could else
     * try which others exist.
     */
    @Override
    @SuppressWarnings("rawtypes") // as it is declared
    public TlsPSKExternal getExternalPSK(Vector identities) {
        PskIdentity first = (PskIdentity) identities.firstElement();
        byte[] identity = first.getIdentity();
        return new BasicTlsPSKExternal(
                identity, getCrypto().createSecret(key(identity)), PRFAlgorithm.tls13_hkdf_sha256);
    }

    @Override
    public int getSelectedCipherSuite() throws IOException {
        ProtocolVersion version = context.getSecurityParametersHandshake().getNegotiatedVersion();
        if (version.equals(ProtocolVersion.TLSv13) && claimed == null) {
            throw withoutKey();
        }
        return super.getSelectedCipherSuite();
    }

    @Override
    public @Nullable TlsCredentials getCredentials() throws IOException {
        if (context.getSecurityParametersHandshake()
                .getNegotiatedVersion()
                .equals(ProtocolVersion.TLSv13)) {
            // It is asked for in place of a key only.
            throw withoutKey();
        }
        return super.getCredentials();
    }

    private static TlsFatalAlert withoutKey() {
        return new TlsFatalAlert(
                AlertDescription.handshake_failure, "the client has no pre-shared key");
    }

    @Override
    protected ProtocolVersion[] getSupportedVersions() {
        return Suites.versions(protocols);
    }

    @Override
    protected int[] getSupportedCipherSuites() {
        return Suites.numbers();
    }

    @Override
    public void notifyHandshakeComplete() throws IOException {
        super.notifyHandshakeComplete();
        String user = claimed;
        if (user == null || !known) {
            throw new TlsFatalAlert(AlertDescription.internal_error);
        }
        agreed = Agreed.of(context.getSecurityParametersConnection(), user);
    }

    @Override
    public @Nullable Agreed agreed() {
        return agreed;
    }

    @Override
    public String reason(IOException thrown) {
        if (claimed == null || agreed != null || thrown instanceof TlsFatalAlertReceived) {
            return Reasons.of(thrown);
        }
        String who = shown(claimed);
        return switch (thrown) {
            case TlsFatalAlert alert
                    when alert.getAlertDescription() == AlertDescription.decrypt_error
                            || alert.getAlertDescription() == AlertDescription.bad_record_mac ->
                    known
                            ? "its key is not that of the user '%s'".formatted(who)
                            : "there is no user '%s'".formatted(who);
            default -> Reasons.of(thrown);
        };
    }

    /** A name as a stranger sends it: neither too long nor able to end a line. */
    private static String shown(String name) {
        String visible = name.replaceAll("[\\p{C}\\p{Zl}\\p{Zp}]", "?");
        return visible.length() > MOST_SHOWN ? visible.substring(0, MOST_SHOWN) + "..." : visible;
    }
}
