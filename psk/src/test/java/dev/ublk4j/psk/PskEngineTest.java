package dev.ublk4j.psk;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.bouncycastle.tls.TlsClientProtocol;
import org.bouncycastle.tls.TlsFatalAlert;
import org.bouncycastle.tls.crypto.TlsCrypto;
import org.bouncycastle.tls.crypto.impl.jcajce.JcaTlsCryptoProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two sides that share a key understand each other, and nobody else is understood. */
final class PskEngineTest {
    private static final byte[] KEY = key(1);

    private static byte[] key(int seed) {
        byte[] key = new byte[32];
        new Random(seed).nextBytes(key);
        return key;
    }

    private static SSLEngine server() {
        PreSharedKeys keys = PreSharedKeys.of(Map.of("alice", KEY, "bob", key(2)));
        SSLEngine engine = keys.ofServer().createSSLEngine();
        engine.setUseClientMode(false);
        return engine;
    }

    private static SSLEngine client(String user, byte[] key, String... protocols) {
        SSLEngine engine = PreSharedKeys.of(Map.of(user, key)).ofClient(user).createSSLEngine();
        engine.setUseClientMode(true);
        if (protocols.length > 0) {
            engine.setEnabledProtocols(protocols);
        }
        return engine;
    }

    private static byte[] random(int bytes) {
        byte[] text = new byte[bytes];
        new Random(bytes).nextBytes(text);
        return text;
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
    void theOwnerOfAKeyIsUnderstood(String protocol) throws Exception {
        Conversation both = new Conversation(client("alice", KEY, protocol), server()).run();

        assertThat(both.client.failure).isNull();
        assertThat(both.server.failure).isNull();
        assertThat(both.server.engine.getSession().getProtocol()).isEqualTo(protocol);
        assertThat(both.server.engine.getSession().getPeerPrincipal().getName()).isEqualTo("alice");
        assertThat(both.client.engine.getSession().getCipherSuite())
                .isEqualTo(both.server.engine.getSession().getCipherSuite())
                .containsAnyOf("TLS_AES", "ECDHE_PSK", "DHE_PSK");
        both.exchange(random(300_000), random(100_001));
        assertThat(both.server.heard()).isEqualTo(random(300_000));
        assertThat(both.client.heard()).isEqualTo(random(100_001));
    }

    @Test
    void theNewestProtocolIsChosen() throws Exception {
        Conversation both = new Conversation(client("alice", KEY), server()).run();
        assertThat(both.client.engine.getSession().getProtocol()).isEqualTo("TLSv1.3");
        assertThatThrownBy(() -> both.client.engine.getSession().getPeerCertificates())
                .isInstanceOf(SSLPeerUnverifiedException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
    void anUnknownUserIsRefusedAsOneWithAWrongKeyIs(String protocol) throws Exception {
        Conversation wrong = new Conversation(client("alice", key(3), protocol), server()).run();
        Conversation unknown = new Conversation(client("carol", KEY, protocol), server()).run();
        Conversation anothers = new Conversation(client("alice", key(2), protocol), server()).run();

        assertThat(wrong.server.failure).hasMessage("its key is not that of the user 'alice'");
        assertThat(anothers.server.failure).hasMessage("its key is not that of the user 'alice'");
        assertThat(unknown.server.failure).hasMessage("there is no user 'carol'");
        assertThat(wrong.client.failure)
                .hasMessage("the server knows no user 'alice', or another key of his");
        assertThat(unknown.client.failure)
                .hasMessage("the server knows no user 'carol', or another key of his");
        assertThat(unknown.server.flights).isEqualTo(wrong.server.flights);
    }

    @Test
    void aNameOfAStrangerIsShownAsALineCanHaveIt() throws Exception {
        String name = "eve\n\u001b[31m" + "x".repeat(100);
        Conversation both = new Conversation(client(name, KEY), server()).run();
        assertThat(both.server.failure)
                .message()
                .startsWith("there is no user 'eve??[31mxx")
                .endsWith("...'")
                .hasSizeLessThan(100);
    }

    @Test
    void whoHasNoKeyIsRefused() throws Exception {
        SSLEngine certificates = SSLContext.getDefault().createSSLEngine();
        certificates.setUseClientMode(true);
        Conversation both = new Conversation(certificates, server()).run();
        assertThat(both.server.failure).message().contains("no pre-shared key");
        assertThat(both.client.failure).message().contains("handshake_failure");

        SSLEngine older = SSLContext.getDefault().createSSLEngine();
        older.setUseClientMode(true);
        older.setEnabledProtocols(new String[] {"TLSv1.2"});
        Conversation old = new Conversation(older, server()).run();
        assertThat(old.server.failure).isNotNull();
        assertThat(old.client.failure).message().contains("handshake_failure");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7})
    void itDoesNotMatterHowTheBytesArrive(int piece) throws Exception {
        Conversation both = new Conversation(client("alice", KEY), server());
        both.client.engine.beginHandshake();
        byte[] hello = both.client.say(new byte[0]);
        for (int at = 0; at < hello.length; at += piece) {
            both.server.hear(Arrays.copyOfRange(hello, at, Math.min(at + piece, hello.length)));
        }
        both.exchange(new byte[0], new byte[0]);
        both.exchange("text".getBytes(UTF_8), new byte[0]);
        assertThat(both.server.heard()).isEqualTo("text".getBytes(UTF_8));
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
    void whoeverEndsItIsHeard(String protocol) throws Exception {
        Conversation both = new Conversation(client("alice", KEY, protocol), server()).run();
        both.client.engine.closeOutbound();
        both.exchange(new byte[0], new byte[0]);
        assertThat(both.server.closed).isTrue();
        assertThat(both.server.failure).isNull();
        assertThat(both.server.engine.isInboundDone()).isTrue();
        assertThat(both.client.engine.isOutboundDone()).isTrue();
    }

    @Test
    void anEndWithoutNoticeIsAFailure() throws Exception {
        Conversation both = new Conversation(client("alice", KEY), server()).run();
        assertThatThrownBy(both.server.engine::closeInbound).isInstanceOf(SSLException.class);
    }

    /** Before there is more of it than its first bytes. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "NBDMAGIC",
                "GET / HTTP/1.1",
                "\u0016\u0003\u0001\u007f\u007f",
                "\u0017\u0003\u0003\0\u0001"
            })
    void whatIsNoTlsIsRefusedAtOnce(String text) {
        SSLEngine engine = server();
        ByteBuffer plain = ByteBuffer.allocate(PskSession.APPLICATION);
        assertThatThrownBy(() -> engine.unwrap(ByteBuffer.wrap(text.getBytes(UTF_8)), plain))
                .isInstanceOf(SSLException.class);
        assertThat(engine.isInboundDone()).isTrue();
    }

    @Test
    void aRecordThatHasBeenTouchedEndsIt() throws Exception {
        Conversation both = new Conversation(client("alice", KEY), server()).run();
        both.wire =
                bytes -> {
                    byte[] touched = bytes.clone();
                    if (touched.length > 0) {
                        touched[touched.length - 1] ^= 1;
                    }
                    return touched;
                };
        both.exchange("text".getBytes(UTF_8), new byte[0]);
        assertThat(both.server.heard()).isEmpty();
        assertThat(both.server.failure).isNotNull();
    }

    private static Conversation touched(SSLEngine client, Random random) {
        Conversation both = new Conversation(client, server());
        both.wire =
                bytes -> {
                    byte[] touched = bytes.clone();
                    if (touched.length > 0) {
                        touched[random.nextInt(touched.length)] ^= (byte) (1 << random.nextInt(8));
                    }
                    return touched;
                };
        return both;
    }

    /** Whatever a stranger sends, an engine answers or refuses; it never agrees by itself. */
    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
    void handshakesWithErrorsInThemLetNobodyInWithoutTheKey(String protocol) throws Exception {
        long first = new SecureRandom().nextInt();
        for (long seed = first; seed < first + 200; seed++) {
            // A byte that nothing depends on, such as the version of a record, may be another.
            Conversation own = touched(client("alice", KEY, protocol), new Random(seed)).run();
            if (own.server.failure == null && own.client.isDone() && own.server.isDone()) {
                assertThat(own.server.engine.getSession().getPeerPrincipal().getName())
                        .as("seed %d", seed)
                        .isEqualTo("alice");
            }
            Conversation nobodys =
                    touched(client("alice", key(3), protocol), new Random(seed)).run();
            assertThat(nobodys.server.engine.getSession().getProtocol())
                    .as("seed %d", seed)
                    .isEqualTo("NONE");
        }
    }

    /** An age is for tickets; an external key has none. */
    @Test
    void whatLooksLikeATicketIsNoKey() throws Exception {
        Conversation both = new Conversation(client("alice", KEY), server());
        both.wire =
                bytes -> {
                    String hello = new String(bytes, ISO_8859_1);
                    byte[] aged = bytes.clone();
                    int name = hello.indexOf("alice");
                    if (name >= 0) {
                        aged[name + 6] = 1;
                    }
                    return aged;
                };
        both.run();
        assertThat(both.server.failure).message().contains("no pre-shared key");
        assertThat(both.client.failure).isNotNull();
    }

    /** A client that asks for new keys in both directions. */
    private static final class Rekeying extends TlsClientProtocol {
        void rekey() throws Exception {
            send13KeyUpdate(true);
        }
    }

    @Test
    void aClientMayHaveNewKeysAsOftenAsItLikes() throws Exception {
        TlsCrypto crypto = new JcaTlsCryptoProvider().create(new SecureRandom());
        Rekeying client = new Rekeying();
        client.connect(new PskClient(crypto, "alice", KEY, List.of("TLSv1.3", "TLSv1.2")));
        Conversation.Side server = new Conversation.Side(server());
        pass(client, server, new byte[0]);
        pass(client, server, new byte[0]);

        for (int i = 0; i < 100; i++) {
            client.rekey();
            client.writeApplicationData("text".getBytes(UTF_8), 0, 4);
            pass(client, server, "reply".getBytes(UTF_8));
            assertThat(server.failure).isNull();
            assertThat(server.heard()).isEqualTo("text".getBytes(UTF_8));
            byte[] reply = new byte[5];
            assertThat(client.readInput(reply, 0, 5)).isEqualTo(5);
            assertThat(reply).isEqualTo("reply".getBytes(UTF_8));
        }
    }

    private static void pass(TlsClientProtocol client, Conversation.Side server, byte[] text)
            throws Exception {
        byte[] said = new byte[client.getAvailableOutputBytes()];
        client.readOutput(said, 0, said.length);
        server.hear(said);
        client.offerInput(server.say(text));
    }

    /** A client that shakes hands again, which nobody needs. */
    private static final class Renegotiating extends TlsClientProtocol {
        void again() throws Exception {
            beginHandshake(true);
        }
    }

    @Test
    void nobodyShakesHandsTwice() throws Exception {
        TlsCrypto crypto = new JcaTlsCryptoProvider().create(new SecureRandom());
        Renegotiating client = new Renegotiating();
        client.connect(new PskClient(crypto, "alice", KEY, List.of("TLSv1.2")));
        Conversation.Side server = new Conversation.Side(server());
        pass(client, server, new byte[0]);
        pass(client, server, new byte[0]);
        assertThat(client.isConnected()).isTrue();

        client.again();
        assertThatThrownBy(() -> pass(client, server, new byte[0]))
                .isInstanceOf(TlsFatalAlert.class)
                .hasMessageContaining("handshake_failure");
    }

    @Test
    void engineOfOneSideIsNotOneOfTheOther() {
        assertThatThrownBy(() -> server().setUseClientMode(true))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> client("alice", KEY).setUseClientMode(false))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theJdksParametersGoRound() throws Exception {
        SSLEngine engine = client("alice", KEY);
        var parameters = engine.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        engine.setSSLParameters(parameters);
        Conversation both = new Conversation(engine, server()).run();
        assertThat(both.client.failure).isNull();
    }

    @Test
    void aBufferThatIsTooSmallIsSaidSo() throws Exception {
        SSLEngine engine = client("alice", KEY);
        assertThat(engine.wrap(ByteBuffer.allocate(0), ByteBuffer.allocate(100)).getStatus())
                .isEqualTo(Status.BUFFER_OVERFLOW);
        Conversation both = new Conversation(engine, server()).run();
        byte[] said = both.client.say(random(5000));
        assertThat(
                        both.server
                                .engine
                                .unwrap(ByteBuffer.wrap(said), ByteBuffer.allocate(10))
                                .getStatus())
                .isEqualTo(Status.BUFFER_OVERFLOW);
        both.server.hear(said);
        assertThat(both.server.heard()).isEqualTo(random(5000));
    }
}
