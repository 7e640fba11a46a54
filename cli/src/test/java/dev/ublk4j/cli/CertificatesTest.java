package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.cli.output.Failure;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.opentest4j.TestAbortedException;

class CertificatesTest {
    private static final char[] PASSWORD = "password".toCharArray();

    @TempDir Path folder;

    private void create(String algorithm) throws Exception {
        Path store = folder.resolve("store");
        Process keytool =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "keytool")
                                        .toString(),
                                "-genkeypair",
                                "-alias",
                                "server",
                                "-keyalg",
                                algorithm,
                                "-dname",
                                "CN=localhost",
                                "-storetype",
                                "PKCS12",
                                "-keystore",
                                store.toString(),
                                "-storepass",
                                new String(PASSWORD))
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("keytool").toFile())
                        .start();
        assertThat(keytool.waitFor(4, TimeUnit.MINUTES)).isTrue();
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, PASSWORD);
        }
        write("server-key.pem", "PRIVATE KEY", keys.getKey("server", PASSWORD).getEncoded());
        byte[] certificate = keys.getCertificate("server").getEncoded();
        write("server-cert.pem", "CERTIFICATE", certificate);
        write("ca-cert.pem", "CERTIFICATE", certificate);
    }

    @Test
    void ofTextInAnOldEncodingAreRead() throws Exception {
        create("RSA");
        Path key = folder.resolve("server-key.pem");
        byte[] text = Files.readAllBytes(key);
        try (OutputStream out = Files.newOutputStream(key)) {
            out.write(new byte[] {'C', 'N', '=', 'B', (byte) 0xfc, '\n'});
            out.write(text);
        }

        assertThat(Certificates.load(folder, false, AllowedClients.ALL)).isNotNull();
    }

    private void write(String name, String kind, byte[] der) throws IOException {
        Files.writeString(
                folder.resolve(name),
                "-----BEGIN %s-----\n%s\n-----END %s-----\n"
                        .formatted(kind, Base64.getMimeEncoder().encodeToString(der), kind));
    }

    @ParameterizedTest
    @ValueSource(strings = {"RSA", "EC", "Ed25519"})
    void aKeyAndItsCertificateAreLoaded(String algorithm) throws Exception {
        create(algorithm);
        assertThat(
                        Certificates.load(folder, true, AllowedClients.ALL)
                                .createSSLEngine()
                                .getSupportedProtocols())
                .contains("TLSv1.3");
    }

    @Test
    void clientsAreVerifiedOnlyWithAnAuthority() throws Exception {
        create("EC");
        Files.delete(folder.resolve("ca-cert.pem"));
        assertThat(Certificates.load(folder, false, AllowedClients.ALL)).isNotNull();
        assertThatThrownBy(() -> Certificates.load(folder, true, AllowedClients.ALL))
                .isInstanceOf(NoSuchFileException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "genrsa -traditional 2048",
                "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
                "ecparam -genkey -name prime256v1",
                "ecparam -genkey -name secp384r1 -noout",
                "ecparam -genkey -name secp521r1 -noout",
                "genpkey -algorithm ED25519"
            })
    void aKeyInAnyFormThatOpensslWritesIsTheOneOfItsCertificate(String how) throws Exception {
        openssl(how.replaceFirst(" ", " -out server-key.pem "));
        openssl("req -x509 -new -key server-key.pem -subj /CN=localhost -out server-cert.pem");

        assertThat(Certificates.load(folder, false, AllowedClients.ALL)).isNotNull();
        PrivateKey key = PrivateKeys.read(folder.resolve("server-key.pem"));
        Certificate certificate;
        try (InputStream in = Files.newInputStream(folder.resolve("server-cert.pem"))) {
            certificate = CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
        String algorithm = key.getAlgorithm();
        Signature signature =
                Signature.getInstance(
                        algorithm.equals("EdDSA")
                                ? algorithm
                                : "SHA256with" + algorithm.replace("EC", "ECDSA"));
        signature.initSign(key);
        signature.update(new byte[100]);
        byte[] signed = signature.sign();
        signature.initVerify(certificate);
        signature.update(new byte[100]);
        assertThat(signature.verify(signed)).isTrue();
    }

    private void openssl(String arguments) throws Exception {
        List<String> words = new ArrayList<>(List.of("openssl"));
        words.addAll(List.of(arguments.split(" ")));
        Process openssl;
        try {
            openssl =
                    new ProcessBuilder(words)
                            .directory(folder.toFile())
                            .redirectErrorStream(true)
                            .redirectOutput(folder.resolve("openssl").toFile())
                            .start();
        } catch (IOException e) {
            throw new TestAbortedException("openssl is not installed", e);
        }
        assertThat(openssl.waitFor(4, TimeUnit.MINUTES)).isTrue();
        assertThat(openssl.exitValue()).as(Files.readString(folder.resolve("openssl"))).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "genrsa -traditional -aes128 -passout pass:word 2048",
                "genpkey -algorithm RSA -aes128 -pass pass:word"
            })
    void anEncryptedKeyIsRefusedWithWhatToType(String how) throws Exception {
        create("EC");
        openssl(how.replaceFirst(" ", " -out server-key.pem "));
        assertThatThrownBy(() -> Certificates.load(folder, false, AllowedClients.ALL))
                .isInstanceOf(Failure.class)
                .hasMessageContaining("is encrypted; type: openssl pkcs8");
    }

    @ParameterizedTest
    @ValueSource(strings = {"RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY"})
    void whatIsNoKeyIsRefusedByName(String form) throws Exception {
        create("EC");
        write("server-key.pem", form, new byte[10]);
        assertThatThrownBy(() -> Certificates.load(folder, false, AllowedClients.ALL))
                .isInstanceOf(GeneralSecurityException.class)
                .hasMessageContaining("server-key.pem");
        write("server-key.pem", "CERTIFICATE", new byte[10]);
        assertThatThrownBy(() -> Certificates.load(folder, false, AllowedClients.ALL))
                .isInstanceOf(Failure.class)
                .hasMessageContaining("has no private key");
    }
}
