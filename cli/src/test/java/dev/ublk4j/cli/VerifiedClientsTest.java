package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.nbd.NbdOptions;
import dev.ublk4j.nbd.NbdServer;
import dev.ublk4j.nbd.Tls;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.targets.NullTarget;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which clients {@code --verify-clients} lets in: programs of GnuTLS, and OpenSSL's own. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class VerifiedClientsTest {
    private static final long SIZE = 1 << 20;

    @TempDir static Path folder;
    private NbdServer server;
    private Device device;
    private int port;

    private record Outcome(int status, String said) {}

    private Outcome run(String command) throws IOException, InterruptedException {
        Path out = Files.createTempFile(folder, "out", "");
        Process process =
                new ProcessBuilder("bash", "-c", command)
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .redirectInput(Path.of("/dev/null").toFile())
                        .redirectOutput(out.toFile())
                        .start();
        assertThat(process.waitFor(4, TimeUnit.MINUTES)).as(command).isTrue();
        return new Outcome(process.exitValue(), Files.readString(out));
    }

    private void runWell(String command) throws IOException, InterruptedException {
        Outcome outcome = run(command);
        assertThat(outcome.status).as("%s: %s", command, outcome.said).isZero();
    }

    private void require(String program) throws IOException, InterruptedException {
        assumeTrue(run("command -v " + program).status == 0, program + " is not installed");
    }

    /** Makes a key and a certificate for it that the authority has signed. */
    private void certify(String name, String key, String owner, String how) throws Exception {
        runWell(
                "mkdir -p %1$s && cp ca-cert.pem %1$s && openssl req -newkey %2$s -nodes"
                                .formatted(name, key)
                        + " -subj /CN=localhost -keyout %1$s/%2$s-key.pem -out request"
                                .formatted(name, owner)
                        + " && openssl x509 -req -in request %s -out %s/%s-cert.pem"
                                .formatted(how, name, owner));
    }

    @BeforeAll
    @Timeout(value = 10, unit = TimeUnit.MINUTES)
    void serve() throws Exception {
        require("openssl");
        String signed = "-CA ca-cert.pem -CAkey ca-key.pem -CAcreateserial -days 2";
        for (String authority : new String[] {"other", "ca"}) {
            runWell(
                    "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=%1$s"
                                    .formatted(authority)
                            + " -keyout %1$s-key.pem -out %1$s-cert.pem".formatted(authority));
        }
        String elliptic = "ec -pkeyopt ec_paramgen_curve:prime256v1";
        certify("server", elliptic, "server", signed);
        certify("rsa", "rsa:2048", "client", signed);
        certify("rsa-pss", "rsa-pss -pkeyopt rsa_keygen_bits:2048", "client", signed);
        certify("ec", elliptic, "client", signed);
        certify("ed25519", "ed25519", "client", signed);
        certify("named", elliptic, "client", signed);
        runWell(
                "openssl req -new -key named/client-key.pem -subj /CN=somebody -out request"
                        + " && openssl x509 -req -in request %s -out named/client-cert.pem"
                                .formatted(signed));
        certify("stranger", elliptic, "client", signed.replace("ca-", "other-"));
        certify("self-signed", elliptic, "client", "-signkey self-signed/client-key.pem");
        certify("expired", elliptic, "client", signed.replace("-days 2", "-days -1"));
        runWell("mkdir none && cp ca-cert.pem none");

        SSLContext context = Certificates.load(folder.resolve("server"), true, AllowedClients.ALL);
        server =
                new NbdServer(
                        NbdOptions.defaults().withTls(Tls.required(context).withVerifiedClients()));
        device = server.export("", "", new NullTarget(SIZE), DeviceOptions.defaults());
        port = server.listen(new InetSocketAddress("127.0.0.1", 0));
    }

    @AfterAll
    void end() {
        if (server != null) {
            server.close();
            device.close();
        }
    }

    private Outcome nbdinfo(String who) throws Exception {
        require("nbdinfo");
        return run(
                "nbdinfo --size 'nbds://localhost:%d/?tls-certificates=%s'"
                        .formatted(port, folder.resolve(who)));
    }

    private Outcome qemuImg(String who, String version) throws Exception {
        require("qemu-img");
        return run(
                ("qemu-img info --image-opts driver=nbd,host=localhost,port=%d,tls-creds=t"
                                + " --object tls-creds-x509,id=t,dir=%s,endpoint=client,"
                                + "priority=NORMAL:-VERS-ALL:+VERS-TLS%s")
                        .formatted(port, folder.resolve(who), version));
    }

    /** OpenSSL's own client has no NBD, so Python does that for it. */
    private Outcome openssl(String who, String version) throws Exception {
        require("python3");
        Path script = folder.resolve("client.py");
        Files.writeString(
                script,
                """
                import os, socket, ssl, struct, sys
                folder, version, port = sys.argv[1:]
                def take(s, n):
                    data = b""
                    while len(data) < n:
                        more = s.recv(n - len(data))
                        if not more: sys.exit("it has ended")
                        data += more
                    return data
                s = socket.create_connection(("localhost", int(port)))
                take(s, 18)
                s.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 5, 0))
                take(s, 20)
                context = ssl.create_default_context(cafile=folder + "/ca-cert.pem")
                context.check_hostname = False
                version = getattr(ssl.TLSVersion, "TLSv" + version.replace(".", "_"))
                context.minimum_version = context.maximum_version = version
                if os.path.exists(folder + "/client-key.pem"):
                    context.load_cert_chain(folder + "/client-cert.pem", folder + "/client-key.pem")
                s = context.wrap_socket(s)
                s.sendall(b"IHAVEOPT" + struct.pack(">IIIH", 7, 6, 0, 0))
                take(s, 20)
                """);
        return run("python3 %s %s %s %d".formatted(script, folder.resolve(who), version, port));
    }

    @ParameterizedTest
    @CsvSource({
        "rsa, 1.2", "rsa, 1.3", "rsa-pss, 1.2", "rsa-pss, 1.3",
        "ec, 1.2", "ec, 1.3", "ed25519, 1.2", "ed25519, 1.3"
    })
    void whoeverTheAuthorityHasSignedIsLetIn(String key, String version) throws Exception {
        assertThat(openssl(key, version)).extracting(Outcome::status).isEqualTo(0);
        assertThat(nbdinfo(key)).isEqualTo(new Outcome(0, SIZE + "\n"));
        assertThat(qemuImg(key, version).said).contains("1 MiB");
    }

    @ParameterizedTest
    @ValueSource(strings = {"stranger", "self-signed", "expired", "none"})
    void nobodyElseIs(String who) throws Exception {
        for (String version : new String[] {"1.2", "1.3"}) {
            assertThat(openssl(who, version).status).as(version).isNotZero();
            assertThat(qemuImg(who, version).status).as(version).isNotZero();
        }
        assertThat(nbdinfo(who).status).isNotZero();
        assertThat(nbdinfo("rsa").status).as("the next").isZero();
    }

    @Test
    void whoeverIsNotNamedIsNotLetInWhereSomeAre() throws Exception {
        SSLContext context =
                Certificates.load(
                        folder.resolve("server"),
                        true,
                        AllowedClients.of(List.of("CN=somebody", "DNS:localhost")));
        Tls tls = Tls.required(context).withVerifiedClients();
        NbdServer other = new NbdServer(NbdOptions.defaults().withTls(tls));
        try (Device _ = other.export("", "", new NullTarget(SIZE), DeviceOptions.defaults())) {
            int usual = port;
            port = other.listen(new InetSocketAddress("127.0.0.1", 0));
            try {
                for (String version : new String[] {"1.2", "1.3"}) {
                    assertThat(openssl("rsa", version).status).as(version).isNotZero();
                    assertThat(openssl("named", version))
                            .as(version)
                            .extracting(Outcome::status)
                            .isEqualTo(0);
                    assertThat(qemuImg("rsa", version).status).as(version).isNotZero();
                    assertThat(qemuImg("named", version).said).as(version).contains("1 MiB");
                }
                assertThat(nbdinfo("named")).isEqualTo(new Outcome(0, SIZE + "\n"));
            } finally {
                port = usual;
                // The device is deleted when nobody has it open any more.
                other.close();
            }
        }
    }
}
