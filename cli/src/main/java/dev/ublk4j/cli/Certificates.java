package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * A server's key and certificate, and whose clients it trusts, in the PEM files that QEMU and
 * nbdkit use.
 */
final class Certificates {
    private static final String BEGIN_KEY = "-----BEGIN PRIVATE KEY-----";
    private static final String END_KEY = "-----END PRIVATE KEY-----";
    private static final char[] NO_PASSWORD = {};

    private Certificates() {}

    /**
     * {@return TLS with what a folder holds}
     *
     * @param verifiesClients whether {@code ca-cert.pem} is needed
     * @throws Failure when a key is in a form that is not known
     * @throws IOException when a file cannot be read
     * @throws GeneralSecurityException when a file is no key or certificate
     */
    static SSLContext load(Path folder, boolean verifiesClients)
            throws IOException, GeneralSecurityException {
        KeyStore own = empty();
        own.setKeyEntry(
                "server",
                key(folder.resolve("server-key.pem")),
                NO_PASSWORD,
                certificates(folder.resolve("server-cert.pem")));
        KeyManagerFactory keys =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, NO_PASSWORD);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(
                keys.getKeyManagers(),
                verifiesClients ? trust(folder.resolve("ca-cert.pem")) : null,
                null);
        return context;
    }

    private static KeyStore empty() throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }

    private static Certificate[] certificates(Path file)
            throws IOException, GeneralSecurityException {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        return factory.generateCertificates(new ByteArrayInputStream(Files.readAllBytes(file)))
                .toArray(Certificate[]::new);
    }

    private static TrustManager @Nullable [] trust(Path file)
            throws IOException, GeneralSecurityException {
        KeyStore trusted = empty();
        for (Certificate certificate : certificates(file)) {
            trusted.setCertificateEntry("ca" + trusted.size(), certificate);
        }
        TrustManagerFactory factory =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(trusted);
        return Arrays.stream(factory.getTrustManagers())
                .map(manager ->
                        manager instanceof X509ExtendedTrustManager extended
                                ? new UnnamedAuthorities(extended)
                                : manager)
                .toArray(TrustManager[]::new);
    }

    private static PrivateKey key(Path file) throws IOException, GeneralSecurityException {
        // What stands around a key may be in any encoding.
        String text = Files.readString(file, StandardCharsets.ISO_8859_1);
        int begin = text.indexOf(BEGIN_KEY);
        int end = text.indexOf(END_KEY);
        if (begin < 0 || end < begin) {
            throw new Failure(
                    "%s is not a PKCS #8 key; type: openssl pkcs8 -topk8 -nocrypt -in OLD -out %s"
                            .formatted(file, file));
        }
        byte[] der =
                Base64.getMimeDecoder().decode(text.substring(begin + BEGIN_KEY.length(), end));
        PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(der);
        for (String algorithm : List.of("EC", "RSA", "EdDSA")) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(spec);
            } catch (InvalidKeySpecException e) {
                // It may be a key of the next kind.
            }
        }
        throw new InvalidKeySpecException(
                file + " is a key of an unknown kind: not EC, RSA or EdDSA");
    }
}
