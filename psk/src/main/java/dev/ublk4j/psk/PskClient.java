package dev.ublk4j.psk;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Vector;
import org.bouncycastle.tls.AlertDescription;
import org.bouncycastle.tls.BasicTlsPSKExternal;
import org.bouncycastle.tls.PRFAlgorithm;
import org.bouncycastle.tls.PSKTlsClient;
import org.bouncycastle.tls.ProtocolVersion;
import org.bouncycastle.tls.TlsAuthentication;
import org.bouncycastle.tls.TlsFatalAlert;
import org.bouncycastle.tls.TlsFatalAlertReceived;
import org.bouncycastle.tls.TlsPSK;
import org.bouncycastle.tls.crypto.TlsCrypto;
import org.jspecify.annotations.Nullable;

/** A client that trusts who has the same key, and nobody who shows a certificate instead. */
final class PskClient extends PSKTlsClient implements Peer {
    private final String user;
    private final byte[] key;
    private final List<String> protocols;
    private @Nullable Agreed agreed;

    PskClient(TlsCrypto crypto, String user, byte[] key, List<String> protocols) {
        super(crypto, user.getBytes(StandardCharsets.UTF_8), key);
        this.user = user;
        this.key = key;
        this.protocols = protocols;
    }

    @Override
    public Vector<TlsPSK> getExternalPSKs() {
        Vector<TlsPSK> one = new Vector<>();
        one.add(
                new BasicTlsPSKExternal(
                        user.getBytes(StandardCharsets.UTF_8),
                        getCrypto().createSecret(key.clone()),
                        PRFAlgorithm.tls13_hkdf_sha256));
        return protocols.contains(Suites.TLS_1_3) ? one : new Vector<>();
    }

    @Override
    public void notifySelectedPSK(@Nullable TlsPSK selected) throws IOException {
        if (selected == null) {
            throw withoutKey();
        }
        super.notifySelectedPSK(selected);
    }

    @Override
    public TlsAuthentication getAuthentication() throws IOException {
        throw withoutKey();
    }

    private static TlsFatalAlert withoutKey() {
        return new TlsFatalAlert(
                AlertDescription.handshake_failure,
                "the server wants to show a certificate instead of a pre-shared key");
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
        agreed = Agreed.of(context.getSecurityParametersConnection(), user);
    }

    @Override
    public @Nullable Agreed agreed() {
        return agreed;
    }

    @Override
    public String reason(IOException thrown) {
        if (agreed == null && thrown instanceof TlsFatalAlertReceived alert) {
            return switch (alert.getAlertDescription()) {
                case AlertDescription.decrypt_error,
                        AlertDescription.unknown_psk_identity,
                        AlertDescription.bad_record_mac,
                        AlertDescription.illegal_parameter ->
                        "the server knows no user '%s', or another key of his".formatted(user);
                case AlertDescription.handshake_failure,
                        AlertDescription.insufficient_security,
                        AlertDescription.missing_extension ->
                        "the server takes no pre-shared keys, or has none of the user '%s' (%s)"
                                .formatted(user, Reasons.of(thrown));
                default -> Reasons.of(thrown);
            };
        }
        return Reasons.of(thrown);
    }
}
