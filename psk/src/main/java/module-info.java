/** TLS with pre-shared keys, which the JDK lacks, as an SSLContext. */
module dev.ublk4j.psk {
    requires static transitive org.jspecify;
    requires org.bouncycastle.tls;

    exports dev.ublk4j.psk;
}
