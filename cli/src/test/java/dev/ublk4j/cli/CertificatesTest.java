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
import java.security.KeyStore;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

        assertThat(Certificates.load(folder, false)).isNotNull();
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
        assertThat(Certificates.load(folder, true).createSSLEngine().getSupportedProtocols())
                .contains("TLSv1.3");
    }

    @Test
    void clientsAreVerifiedOnlyWithAnAuthority() throws Exception {
        create("EC");
        Files.delete(folder.resolve("ca-cert.pem"));
        assertThat(Certificates.load(folder, false)).isNotNull();
        assertThatThrownBy(() -> Certificates.load(folder, true))
                .isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void aKeyOfTheOldFormIsRefusedWithWhatToType() throws Exception {
        create("EC");
        write("server-key.pem", "RSA PRIVATE KEY", new byte[10]);
        assertThatThrownBy(() -> Certificates.load(folder, false))
                .isInstanceOf(Failure.class)
                .hasMessageContaining("openssl pkcs8");
    }
}
