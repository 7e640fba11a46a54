package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --psk}: exports and their clients share keys, and nobody else sees them. */
class KeyFileTest {
    private static final String KEY = "00112233445566778899aabbccddeeff";

    @TempDir Path folder;

    @BeforeEach
    void write() throws Exception {
        Files.writeString(folder.resolve("key.psk"), "alice:%s\n".formatted(KEY));
        Files.writeString(
                folder.resolve("keys.psk"), "bob:%s\nalice:%s\n".formatted("1" + KEY + "1", KEY));
        Files.writeString(folder.resolve("other.psk"), "alice:%s\n".formatted("ff" + KEY));
        Files.writeString(folder.resolve("odd.psk"), "alice:%s\n".formatted("f" + KEY));
    }

    /** Serves a disk to who has a key, and runs a script meanwhile. */
    private Program served(String script) throws Exception {
        return Program.shell(
                folder,
                """
                chmod 600 *.psk; truncate -s 1M a.img b.img; printf data >a.img; truncate -s 1M a.img
                ublk4j export nbd --detach --json --socket s --tls required --psk keys.psk file a.img >served
                trap 'kill $(sed "s/.*\\"pid\\"[^0-9]*\\([0-9]*\\).*/\\1/" served)' EXIT
                """
                        + script);
    }

    @Test
    void whoHasAKeyCopiesADisk() throws Exception {
        Program program =
                served(
                        """
                        u="nbds+unix://alice@/?socket=$PWD/s"
                        ublk4j copy "nbd:$u,psk=$PWD/keys.psk" b.img && cmp a.img b.img || exit 1
                        ublk4j copy "$u&tls-psk-file=$PWD/key.psk" b.img || exit 2
                        ublk4j copy "nbds+unix:///?socket=$PWD/s&tls-psk-file=$PWD/key.psk" b.img || exit 3
                        cat served; ublk4j list --json; cat /proc/[0-9]*/cmdline | tr '\\0' ' '; find run -type f -exec cat {} +
                        """);
        assertThat(program.status()).as(program.err()).isZero();
        assertThat(program.out()).contains("nbds+unix").doesNotContain(KEY);
        assertThat(program.err()).doesNotContain(KEY);
    }

    @Test
    void whoHasNoneIsToldSoInOneLine() throws Exception {
        Program program =
                served(
                        """
                        try() { ublk4j copy "$1" b.img; echo "status $?"; }
                        u=nbds+unix://alice@/?socket=$PWD/s
                        try "$u&tls-psk-file=$PWD/other.psk"
                        try "$u&tls-psk-file=$PWD/odd.psk"
                        try "$u&tls-psk-file=$PWD/none.psk"
                        try "$u"
                        try "nbds+unix:///?socket=$PWD/s&tls-psk-file=$PWD/keys.psk"
                        try "nbds+unix://carol@/?socket=$PWD/s&tls-psk-file=$PWD/keys.psk"
                        try "nbd+unix:///?socket=$PWD/s"
                        """);
        assertThat(program.out().lines()).hasSize(7).allMatch(("status " + Main.FAILED)::equals);
        assertThat(program.err().lines())
                .satisfiesExactly(
                        line ->
                                assertThat(line)
                                        .endsWith(
                                                ": the server knows no user 'alice', or another key"
                                                        + " of his"),
                        line ->
                                assertThat(line)
                                        .endsWith(
                                                "odd.psk, line 1: the key of 'alice' has an odd"
                                                        + " number of hexadecimal digits"),
                        line -> assertThat(line).contains("no such file").endsWith("none.psk"),
                        line -> assertThat(line).contains("handshake_failure"),
                        line ->
                                assertThat(line)
                                        .endsWith(
                                                "keys.psk has the keys of 2 users; nbds://USER@..."
                                                        + " says which"),
                        line -> assertThat(line).endsWith("has no key of the user 'carol'"),
                        line -> assertThat(line).contains("requires TLS"))
                .noneMatch(line -> line.contains(KEY));
    }

    @Test
    void aServerThatOnlyDisconnectsMayNotHaveTheKey() throws Exception {
        Program program =
                Program.shell(
                        folder,
                        """
                        chmod 600 *.psk; truncate -s 1M b.img
                        python3 -c '
                        import socket
                        s = socket.socket(socket.AF_UNIX); s.bind("s"); s.listen()
                        print(flush=True)
                        c = s.accept()[0]; c.send(b"NBDMAGICIHAVEOPT\\0\\3"); c.recv(4); c.recv(16)
                        c.send(bytes.fromhex("0003e889045565a9") + b"\\0\\0\\0\\5\\0\\0\\0\\1\\0\\0\\0\\0")
                        c.recv(1000)' >ready & while ! [ -s ready ]; do sleep 0.1; done
                        ublk4j copy "nbds+unix:///?socket=$PWD/s&tls-psk-file=$PWD/key.psk" b.img
                        """);
        assertThat(program.err())
                .contains("it disconnected", "has the server the same key of this user?");
    }

    @Test
    void aFileThatEverybodyCanReadIsWarnedOf() throws Exception {
        Program program =
                Program.shell(
                        folder,
                        "chmod 604 key.psk; ublk4j export nbd --detach --json --socket s --tls required"
                                + " --psk key.psk null >served; cat run/*.log;"
                                + " kill $(sed 's/.*\"pid\"[^0-9]*\\([0-9]*\\).*/\\1/' served)");
        assertThat(program.out() + program.err())
                .contains("every user of this machine can read the keys in", "chmod 600")
                .doesNotContain(KEY);
    }

    @Test
    void whatIsForKeysIsNotLoadedWithoutThem() throws Exception {
        Program program =
                Program.shell(
                        folder,
                        """
                        export JAVA_TOOL_OPTIONS=-Xlog:class+load:file=loaded.%p
                        ublk4j export nbd --tls required --certificates pki null
                        ublk4j copy nbds://localhost:1/x b.img
                        ublk4j export nbd --tls required --psk odd.psk null
                        cat loaded.* | grep -c javax.net.ssl.SSLContext; cat loaded.* | grep bouncycastle
                        """);
        assertThat(program.out().strip()).matches("[1-9][0-9]*");
    }
}
