package dev.ublk4j.cli;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.Arrays;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * A server's key and certificate, and whose clients it trusts, in the PEM files that QEMU and
 * nbdkit use.
 */
final class Certificates {
    private static final char[] NO_PASSWORD = {};

    private Certificates() {}

    /**
     * {@return TLS with what a folder holds}
     *
     * @param verifiesClients whether {@code ca-cert.pem} is needed
     * @param allowed which of the clients that it has signed are let in
     * @throws dev.ublk4j.cli.output.Failure when a key is encrypted, or there is none
     * @throws IOException when a file cannot be read
     * @throws GeneralSecurityException when a file is no key or certificate
     */
    static SSLContext load(Path folder, boolean verifiesClients, AllowedClients allowed)
            throws IOException, GeneralSecurityException {
        KeyStore own = empty();
        own.setKeyEntry(
                "server",
                PrivateKeys.read(folder.resolve("server-key.pem")),
                NO_PASSWORD,
                certificates(folder.resolve("server-cert.pem")));
        KeyManagerFactory keys =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, NO_PASSWORD);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(
                keys.getKeyManagers(),
                verifiesClients ? clients(folder.resolve("ca-cert.pem"), allowed) : null,
                null);
        return context;
    }

    /**
     * {@return TLS of a client with what a folder holds}: {@code ca-cert.pem}, and {@code
     * client-cert.pem} with {@code client-key.pem} where they are there
     *
     * @throws dev.ublk4j.cli.output.Failure when a key is encrypted, or there is none
     * @throws IOException when a file cannot be read
     * @throws GeneralSecurityException when a file is no key or certificate
     */
    static SSLContext loadOfClient(Path folder) throws IOException, GeneralSecurityException {
        KeyStore own = empty();
        Path certificate = folder.resolve("client-cert.pem");
        if (Files.exists(certificate)) {
            own.setKeyEntry(
                    "client",
                    PrivateKeys.read(folder.resolve("client-key.pem")),
                    NO_PASSWORD,
                    certificates(certificate));
        }
        KeyManagerFactory keys =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, NO_PASSWORD);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), authorities(folder.resolve("ca-cert.pem")), null);
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
        Certificate[] read =
                factory.generateCertificates(new ByteArrayInputStream(Files.readAllBytes(file)))
                        .toArray(Certificate[]::new);
        if (read.length == 0) {
            throw new CertificateException(file + " has no certificate in it");
        }
        return read;
    }

    private static TrustManager[] clients(Path file, AllowedClients allowed)
            throws IOException, GeneralSecurityException {
        return Arrays.stream(authorities(file))
                .map(manager ->
                        manager instanceof X509ExtendedTrustManager extended
                                ? new UnnamedAuthorities(extended, allowed)
                                : manager)
                .toArray(TrustManager[]::new);
    }

    private static TrustManager[] authorities(Path file)
            throws IOException, GeneralSecurityException {
        KeyStore trusted = empty();
        for (Certificate certificate : certificates(file)) {
            trusted.setCertificateEntry("ca" + trusted.size(), certificate);
        }
        TrustManagerFactory factory =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(trusted);
        return factory.getTrustManagers();
    }
}
