package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AllowedClientsTest {
    private static final char[] PASSWORD = "password".toCharArray();

    private static X509Certificate certificate;
    private static X509Certificate plain;

    @BeforeAll
    static void certify(@TempDir Path folder) throws Exception {
        certificate =
                create(
                        folder.resolve("one"),
                        "CN=laptop, OU=Storage, O=Example\\, Inc, C=DE",
                        "-ext",
                        "san=dns:laptop.example.com,email:a@example.com,ip:::1,ip:10.0.0.1,"
                                + "uri:spiffe://example/laptop");
        plain = create(folder.resolve("two"), "CN=laptop2");
    }

    private static X509Certificate create(Path store, String name, String... more)
            throws Exception {
        List<String> words =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "keytool")
                                        .toString(),
                                "-genkeypair",
                                "-alias",
                                "it",
                                "-keyalg",
                                "EC",
                                "-dname",
                                name,
                                "-storetype",
                                "PKCS12",
                                "-keystore",
                                store.toString(),
                                "-storepass",
                                new String(PASSWORD)));
        words.addAll(List.of(more));
        Process keytool = new ProcessBuilder(words).inheritIO().start();
        assertThat(keytool.waitFor(4, TimeUnit.MINUTES)).isTrue();
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, PASSWORD);
        }
        return (X509Certificate) keys.getCertificate("it");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CN=laptop",
                "cn=LAPTOP",
                "O=Example\\, Inc,CN=laptop",
                "CN=laptop,OU=Storage,O=Example\\, Inc,C=DE",
                "DNS:laptop.example.com",
                "dns:LAPTOP.example.com",
                "EMAIL:a@example.com",
                "URI:spiffe://example/laptop",
                "IP:::1",
                "IP:10.0.0.1"
            })
    void aClientWithTheNameIsAllowed(String rule) {
        assertThatCode(() -> AllowedClients.of(List.of("CN=other", rule)).check(certificate))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> AllowedClients.of(List.of("CN=other", rule)).check(plain))
                .isInstanceOf(CertificateException.class)
                .hasMessageContaining("CN=laptop2");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CN=lap",
                "CN=*",
                "CN=laptop,O=Other",
                "O=laptop",
                "DNS:example.com",
                "DNS:laptop",
                "DNS:*.example.com",
                "EMAIL:laptop.example.com",
                "IP:10.0.0.2"
            })
    void aClientWithAnotherNameIsNot(String rule) {
        assertThatThrownBy(() -> AllowedClients.of(List.of(rule)).check(certificate))
                .isInstanceOf(CertificateException.class);
    }

    @Test
    void withoutRulesEverybodyIs() {
        assertThatCode(() -> AllowedClients.of(List.of()).check(plain)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "laptop", "DNS:", "CN", "IP:laptop"})
    void whatIsNoNameIsRefused(String rule) {
        assertThatThrownBy(() -> AllowedClients.of(List.of(rule)))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
