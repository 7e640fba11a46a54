package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.nbd.NbdOptions;
import dev.ublk4j.nbd.Tls;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.BackingFile.Caching;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.targets.NullTarget;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs that people have use an export as they use any other. */
final class NbdClientsTest {
    private static final int SIZE = 64 << 20;

    @TempDir Path folder;
    private NbdClients served;

    @BeforeAll
    @Timeout(value = 10, unit = TimeUnit.MINUTES)
    static void thereAreClients() throws Exception {
        NbdClients.require();
    }

    @BeforeEach
    void serve() {
        served = new NbdClients(folder, NbdOptions.defaults());
    }

    @AfterEach
    void end() {
        served.close();
    }

    /** {@return an image of data with holes in it} */
    private Path image() throws IOException {
        Path image = folder.resolve("image");
        byte[] data = new byte[5 << 20];
        new Random(1).nextBytes(data);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(SIZE);
            file.write(data);
            file.seek(40 << 20);
            file.write(data);
        }
        return image;
    }

    private Target target(String kind) throws IOException {
        if (kind.equals("memory")) {
            return new MemoryTarget(SIZE);
        }
        Path disk = folder.resolve("disk");
        try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
            file.setLength(SIZE);
        }
        return new FileTarget(BackingFile.open(disk, Caching.BUFFERED, false));
    }

    @ParameterizedTest
    @ValueSource(strings = {"memory", "file"})
    void nbdcopyBringsAnImageAndTakesItBack(String kind) throws IOException {
        Path image = image();
        String uri = served.export("", target(kind), 2);

        Shell.run("nbdcopy %s %s".formatted(image, uri));
        Shell.run("nbdcopy %s %s/back".formatted(uri, folder));
        Shell.run("cmp %s %s/back".formatted(image, folder));

        String map = Shell.run("nbdinfo --map " + uri);
        assertThat(map).contains("data").contains("hole,zero");
        assertThat(Shell.run("nbdinfo --map --totals " + uri)).containsPattern("8[0-9]\\.\\d%");
        assertThat(served.device(0).counters().sharedRequests()).isPositive();
    }

    @Test
    void nbdinfoTellsOfEveryExport() {
        String uri = served.export("a", new MemoryTarget(1 << 20), 1);
        served.export("b", new NullTarget(1 << 20), 1);

        String all = Shell.run("nbdinfo --list " + uri.replace("///a", "///"));
        assertThat(all).contains("export=\"a\"", "export=\"b\"", "can_multi_conn: true");
        assertThat(Shell.run("nbdinfo --size " + uri).strip()).isEqualTo("1048576");
        assertThat(Shell.tryRun("nbdinfo " + uri.replace("///a", "///c")).status()).isNotZero();
    }

    @Test
    void nbdinfoWorksOverTcp() {
        served.export("", new MemoryTarget(1 << 20), 1);
        int port = served.listenOnTcp();
        assertThat(Shell.run("nbdinfo nbd://127.0.0.1:" + port)).contains("1048576");
    }

    @Test
    void qemuImgConvertsComparesAndMeasures() throws IOException {
        Path image = image();
        String uri = served.export("", target("file"), 1);

        assertThat(Shell.run("qemu-img info " + uri)).contains("64 MiB");
        Shell.run("qemu-img convert -n -f raw -O raw %s %s".formatted(image, uri));
        Shell.run("qemu-img compare -f raw -F raw %s %s".formatted(image, uri));
        Shell.run("qemu-img convert -f raw -O qcow2 %s %s/back".formatted(uri, folder));
        Shell.run("qemu-img compare -f raw -F qcow2 %s %s/back".formatted(image, folder));
        assertThat(Shell.run("qemu-img map -f raw " + uri)).contains("0x2800000");
        Shell.run("qemu-img bench -f raw -c 2000 -d 32 -w " + uri);
    }

    @Test
    void qemuImgKeepsAFileSystemOfQcow2InAnExport() throws IOException {
        Path image = image();
        String uri = served.export("", target("memory"), 1);

        Shell.run("qemu-img create -f qcow2 %s 32M".formatted(uri));
        Shell.run("qemu-io -f qcow2 -c 'write -P 7 1M 3M' -c 'discard 2M 1M' %s".formatted(uri));
        Shell.run("qemu-io -f qcow2 -c 'read -P 7 1M 1M' -c 'read -P 0 2M 1M' " + uri);
        Shell.run("qemu-img check -f qcow2 " + uri);
        assertThat(image).exists();
    }

    @Test
    void fioVerifiesWhatItWrites() throws IOException {
        String uri = served.export("", target("memory"), 1);
        Shell.run(
                """
                fio --name=verify --verify_state_save=0 --ioengine=nbd --uri=%s --rw=randwrite \
                    --bsrange=512-256k --iodepth=32 --size=32M --verify=crc32c
                """
                        .formatted(uri));
    }

    @Test
    void nbdkitMayStandInBetween() throws IOException {
        Path image = image();
        String uri = served.export("", target("memory"), 1);
        Shell.run(
                "nbdkit -U - nbd uri=%s --run 'nbdcopy %s \"$uri\" && nbdcopy \"$uri\" %s/back'"
                        .formatted(uri, image, folder));
        Shell.run("cmp %s %s/back".formatted(image, folder));
    }

    /** A context with a key of its own, whose certificate libnbd finds as the authority's. */
    private SSLContext certificate() throws Exception {
        Shell.run(
                "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
                                .formatted(folder)
                        + " -addext subjectAltName=DNS:localhost -keyout server-key.pem"
                        + " -out ca-cert.pem && openssl pkcs12 -export -in ca-cert.pem"
                        + " -inkey server-key.pem -passout pass:secret -out server.p12");
        KeyStore store = KeyStore.getInstance("PKCS12");
        char[] password = "secret".toCharArray();
        try (InputStream in = Files.newInputStream(folder.resolve("server.p12"))) {
            store.load(in, password);
        }
        KeyManagerFactory keys =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, password);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return context;
    }

    @Test
    void aCopyOverTlsIsTheSame() throws Exception {
        SSLContext context = certificate();
        served.close();
        served = new NbdClients(folder, NbdOptions.defaults().withTls(Tls.required(context)));
        Path image = image();
        String plain = served.export("", target("memory"), 1);
        String uri =
                "'nbds+unix://localhost/?socket=%s&tls-certificates=%s'"
                        .formatted(served.socket(), folder);

        assertThat(Shell.run("nbdinfo " + uri)).contains("with TLS");
        Shell.run("nbdcopy %s %s".formatted(image, uri));
        Shell.run("nbdcopy %s %s/back".formatted(uri, folder));
        Shell.run("cmp %s %s/back".formatted(image, folder));
        assertThat(Shell.tryRun("nbdinfo " + plain).status()).as("without TLS").isNotZero();
    }
}
