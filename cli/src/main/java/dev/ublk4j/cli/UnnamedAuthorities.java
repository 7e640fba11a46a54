package dev.ublk4j.cli;

import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Trusts whom another trusts, of clients only those that are {@linkplain AllowedClients allowed},
 * but does not tell clients whose certificates are wanted.
 *
 * <p>A client of GnuTLS that is told looks for a certificate that fits, also by the kind of its
 * key. Over TLS 1.3 it takes an RSA key for one that fits {@code rsa_pkcs1_*} only, which the JDK
 * does not ask for there, and sends no certificate at all. One that is not told sends what it has.
 * Every client of an export has one certificate, so there is nothing to choose.
 */
final class UnnamedAuthorities extends X509ExtendedTrustManager {
    private final X509ExtendedTrustManager trusting;

    private final AllowedClients allowed;

    UnnamedAuthorities(X509ExtendedTrustManager trusting, AllowedClients allowed) {
        this.trusting = trusting;
        this.allowed = allowed;
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return new X509Certificate[0];
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType)
            throws CertificateException {
        trusting.checkClientTrusted(chain, authType);
        allowed.check(chain[0]);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        trusting.checkClientTrusted(chain, authType, socket);
        allowed.check(chain[0]);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        trusting.checkClientTrusted(chain, authType, engine);
        allowed.check(chain[0]);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType)
            throws CertificateException {
        trusting.checkServerTrusted(chain, authType);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        trusting.checkServerTrusted(chain, authType, socket);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        trusting.checkServerTrusted(chain, authType, engine);
    }
}
