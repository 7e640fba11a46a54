package dev.ublk4j.psk;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bouncycastle.tls.CipherSuite;
import org.bouncycastle.tls.ProtocolVersion;

/**
 * The protocols and the cipher suites, best first.
 *
 * <p>Only what authenticates what it encrypts, and only with forward secrecy. An external key of
 * TLS 1.3 is one for a hash, which is SHA-256 unless both sides know better, so there is no suite
 * with another hash. GnuTLS has no ECDHE-PSK with AES-GCM in TLS 1.2, but DHE-PSK.
 */
final class Suites {
    static final String TLS_1_3 = "TLSv1.3";
    static final String TLS_1_2 = "TLSv1.2";

    private static final Map<String, ProtocolVersion> VERSIONS = new LinkedHashMap<>();
    private static final Map<String, Integer> SUITES = new LinkedHashMap<>();

    static {
        VERSIONS.put(TLS_1_3, ProtocolVersion.TLSv13);
        VERSIONS.put(TLS_1_2, ProtocolVersion.TLSv12);
        SUITES.put("TLS_AES_128_GCM_SHA256", CipherSuite.TLS_AES_128_GCM_SHA256);
        SUITES.put(
                "TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384",
                CipherSuite.TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384);
        SUITES.put(
                "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256",
                CipherSuite.TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256);
        SUITES.put(
                "TLS_DHE_PSK_WITH_AES_256_GCM_SHA384",
                CipherSuite.TLS_DHE_PSK_WITH_AES_256_GCM_SHA384);
        SUITES.put(
                "TLS_DHE_PSK_WITH_AES_128_GCM_SHA256",
                CipherSuite.TLS_DHE_PSK_WITH_AES_128_GCM_SHA256);
    }

    private Suites() {}

    static String[] protocols() {
        return VERSIONS.keySet().toArray(String[]::new);
    }

    static ProtocolVersion[] versions(List<String> protocols) {
        return VERSIONS.entrySet().stream()
                .filter(each -> protocols.contains(each.getKey()))
                .map(Map.Entry::getValue)
                .toArray(ProtocolVersion[]::new);
    }

    static String name(ProtocolVersion version) {
        return version.equals(ProtocolVersion.TLSv13) ? TLS_1_3 : TLS_1_2;
    }

    static String[] names() {
        return SUITES.keySet().toArray(String[]::new);
    }

    static int[] numbers() {
        return SUITES.values().stream().mapToInt(Integer::intValue).toArray();
    }

    static String name(int suite) {
        return SUITES.entrySet().stream()
                .filter(each -> each.getValue() == suite)
                .map(Map.Entry::getKey)
                .findFirst()
                .orElse("SSL_NULL_WITH_NULL_NULL");
    }

    static boolean areAll(String[] suites) {
        return List.of(names()).containsAll(Arrays.asList(suites))
                && suites.length == SUITES.size();
    }
}
