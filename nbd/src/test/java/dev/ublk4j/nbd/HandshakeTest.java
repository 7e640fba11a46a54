package dev.ublk4j.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.nbd.wire.ExportFlag;
import dev.ublk4j.nbd.wire.ExportInfo;
import dev.ublk4j.nbd.wire.Magic;
import dev.ublk4j.nbd.wire.Option;
import dev.ublk4j.nbd.wire.OptionReply;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.targets.NullTarget;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HandshakeTest {
    private static final ByteBuffer NONE = ByteBuffer.allocate(0);

    @TempDir Path folder;
    private Served served;

    @BeforeEach
    void serve() {
        served = Served.memory(folder);
    }

    @AfterEach
    void end() {
        served.close();
    }

    private NbdClient greeted() throws IOException {
        return NbdClient.greeted(served.socket);
    }

    private static int type(List<NbdClient.Reply> replies) {
        return replies.getLast().type();
    }

    @Test
    void anExportIsDescribed() throws IOException {
        try (NbdClient client = greeted()) {
            ByteBuffer asked =
                    ByteBuffer.allocate(10)
                            .putInt(0)
                            .putShort((short) 2)
                            .putShort((short) ExportInfo.BLOCK_SIZE)
                            .putShort((short) ExportInfo.DESCRIPTION);
            List<NbdClient.Reply> replies = client.option(Option.INFO, asked);

            assertThat(replies).hasSize(4);
            ByteBuffer export = replies.get(0).data();
            assertThat(export.getShort()).isEqualTo((short) ExportInfo.EXPORT);
            assertThat(export.getLong()).isEqualTo(Served.SIZE);
            assertThat((int) export.getShort())
                    .isEqualTo(
                            ExportFlag.HAS_FLAGS
                                    | ExportFlag.SEND_FLUSH
                                    | ExportFlag.SEND_FUA
                                    | ExportFlag.SEND_TRIM
                                    | ExportFlag.SEND_WRITE_ZEROES
                                    | ExportFlag.SEND_FAST_ZERO
                                    | ExportFlag.CAN_MULTI_CONN);
            assertThat(replies.get(1).data().getShort()).isEqualTo((short) ExportInfo.DESCRIPTION);
            ByteBuffer sizes = replies.get(2).data();
            assertThat(sizes.getShort()).isEqualTo((short) ExportInfo.BLOCK_SIZE);
            assertThat(sizes.getInt()).isEqualTo(1);
            assertThat(sizes.getInt()).isEqualTo(4096);
            assertThat(sizes.getInt()).isEqualTo(32 << 20);
            client.go("");
        }
    }

    @Test
    void theOldWayToChooseAnExportWorks() throws IOException {
        try (NbdClient client = NbdClient.connect(served.socket)) {
            client.write(ByteBuffer.allocate(4).putInt(Magic.FIXED_NEWSTYLE));
            client.sendOption(Option.EXPORT_NAME, NONE.duplicate());
            ByteBuffer answer = client.read(10 + 124);
            assertThat(answer.getLong()).isEqualTo(Served.SIZE);
            assertThat(client.readAt(0, 512)).containsOnly(0);
        }
    }

    @Test
    void exportsAreListedAndFoundByName() throws IOException {
        served.export("other", new NullTarget(1 << 20));
        try (NbdClient client = greeted()) {
            List<NbdClient.Reply> listed = client.option(Option.LIST, NONE.duplicate());
            assertThat(listed).hasSize(3);
            assertThat(StandardCharsets.UTF_8.decode(listed.get(1).data().position(4)).toString())
                    .isEqualTo("otherof other");
            ByteBuffer unknown = NbdClient.named("third").putShort((short) 0);
            assertThat(type(client.option(Option.GO, unknown))).isEqualTo(OptionReply.ERR_UNKNOWN);
            client.go("other");
        }
    }

    @Test
    void aReadOnlyExportSaysSo() throws IOException {
        served.close();
        served =
                Served.of(
                        folder,
                        NbdOptions.defaults(),
                        new ReadOnly(Geometry.ofSize(1 << 20).asReadOnly()));
        try (NbdClient client = greeted()) {
            ByteBuffer info =
                    client.option(Option.INFO, NbdClient.named("").putShort((short) 0))
                            .getFirst()
                            .data();
            assertThat(info.getShort(10) & ExportFlag.READ_ONLY).isNotZero();
            assertThat(info.getShort(10) & ExportFlag.SEND_TRIM).isZero();
        }
    }

    @Test
    void metadataContextsAreListedAndChosen() throws IOException {
        try (NbdClient client = greeted()) {
            assertThat(client.option(Option.LIST_META_CONTEXT, NbdClient.query(""))).hasSize(2);
            assertThat(client.option(Option.LIST_META_CONTEXT, NbdClient.query("", "base:")))
                    .hasSize(2);
            assertThat(client.option(Option.LIST_META_CONTEXT, NbdClient.query("", "qemu:")))
                    .hasSize(1);
            assertThat(
                            type(
                                    client.option(
                                            Option.SET_META_CONTEXT,
                                            NbdClient.query("", "base:allocation"))))
                    .as("without structured replies")
                    .isEqualTo(OptionReply.ERR_INVALID);
            client.structured();
            client.setAllocation();
        }
    }

    @Test
    void whatIsNotKnownIsRefusedAndTheClientMayGoOn() throws IOException {
        try (NbdClient client = greeted()) {
            assertThat(type(client.option(77, ByteBuffer.allocate(3).put(new byte[3]))))
                    .isEqualTo(OptionReply.ERR_UNSUP);
            assertThat(type(client.option(Option.STARTTLS, NONE.duplicate())))
                    .isEqualTo(OptionReply.ERR_POLICY);
            client.extended();
            assertThat(type(client.option(Option.STRUCTURED_REPLY, NONE.duplicate())))
                    .isEqualTo(OptionReply.ERR_EXT_HEADER_REQD);
            client.go("");
        }
    }

    @Test
    void lengthsThatLieAreRefused() throws IOException {
        try (NbdClient client = greeted()) {
            ByteBuffer lie = ByteBuffer.allocate(8).putInt(0x7fff_ffff).putInt(0);
            assertThat(type(client.option(Option.GO, lie))).isEqualTo(OptionReply.ERR_INVALID);
            ByteBuffer negative = ByteBuffer.allocate(8).putInt(-1).putInt(0);
            assertThat(type(client.option(Option.INFO, negative)))
                    .isEqualTo(OptionReply.ERR_INVALID);
            ByteBuffer queries = ByteBuffer.allocate(8).putInt(0).putInt(-1);
            assertThat(type(client.option(Option.LIST_META_CONTEXT, queries)))
                    .isEqualTo(OptionReply.ERR_INVALID);
            ByteBuffer big = ByteBuffer.allocate(100_000);
            big.position(big.capacity());
            assertThat(type(client.option(Option.LIST, big))).isEqualTo(OptionReply.ERR_TOO_BIG);
            client.go("");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Integer.MAX_VALUE, -1})
    void hugeOptionsEndTheConnection(int length) throws IOException {
        try (NbdClient client = greeted()) {
            client.write(
                    ByteBuffer.allocate(16)
                            .putLong(Magic.OPTION)
                            .putInt(Option.LIST)
                            .putInt(length));
            assertThat(client.isEnded()).isTrue();
        }
    }

    @Test
    void badMagicAndBadFlagsEndTheConnection() throws IOException {
        try (NbdClient client = greeted()) {
            client.write(ByteBuffer.allocate(16).putLong(1).putInt(1).putInt(0));
            assertThat(client.isEnded()).isTrue();
        }
        try (NbdClient client = NbdClient.connect(served.socket)) {
            client.write(ByteBuffer.allocate(4).putInt(0x8000_0001));
            assertThat(client.isEnded()).isTrue();
        }
    }

    @Test
    void endlessOptionsEndTheConnection() throws IOException {
        try (NbdClient client = greeted()) {
            for (int count = 0; count < 127; count++) {
                client.option(Option.LIST, NONE.duplicate());
            }
            client.option(Option.LIST, NONE.duplicate());
            assertThat(client.isEnded()).isTrue();
        }
    }

    @Test
    void aClientThatKeepsSilentIsNotWaitedFor() throws IOException {
        served.close();
        served =
                Served.of(
                        folder,
                        NbdOptions.defaults().withPatience(Duration.ofMillis(200)),
                        new MemoryTarget(Served.SIZE));
        try (NbdClient silent = greeted()) {
            assertThat(silent.isEnded()).isTrue();
        }
        try (NbdClient slow = greeted()) {
            // A byte now and then does not help: the time is for all of the handshake.
            boolean ended = false;
            for (int count = 0; count < 100 && !ended; count++) {
                try {
                    slow.write(ByteBuffer.allocate(1).put((byte) 0));
                    Thread.sleep(20);
                } catch (IOException e) {
                    ended = true;
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }
            assertThat(ended).isTrue();
        }
    }

    @Test
    void transmissionHasNoTimeLimit() throws Exception {
        served.close();
        served =
                Served.of(
                        folder,
                        NbdOptions.defaults().withPatience(Duration.ofMillis(200)),
                        new MemoryTarget(Served.SIZE));
        try (NbdClient client = NbdClient.inTransmission(served.socket)) {
            Thread.sleep(400);
            assertThat(client.readAt(0, 512)).containsOnly(0);
        }
    }

    @Test
    void clientsBeyondTheLimitAreTurnedAway() throws IOException {
        served.close();
        served =
                Served.of(
                        folder,
                        NbdOptions.defaults().withMaxConnections(1),
                        new MemoryTarget(Served.SIZE));
        try (NbdClient first = NbdClient.inTransmission(served.socket)) {
            try (NbdClient second = NbdClient.connect(served.socket)) {
                assertThat(second.isEnded()).isTrue();
            } catch (EOFException e) {
                assertThat(e).as("turned away before the greeting").isNotNull();
            }
            assertThat(first.readAt(0, 512)).containsOnly(0);
        }
    }

    @Test
    void aTargetThatIsNotExportedIsClosed() {
        AtomicInteger closed = new AtomicInteger();
        Target second =
                new SimpleTarget() {
                    @Override
                    public Geometry geometry() {
                        return Geometry.ofSize(1 << 20);
                    }

                    @Override
                    public int read(Request request) {
                        return (int) request.length();
                    }

                    @Override
                    public int write(Request request) {
                        return (int) request.length();
                    }

                    @Override
                    public void close() {
                        closed.incrementAndGet();
                    }
                };

        assertThatThrownBy(() -> served.export("", second))
                .isInstanceOf(IllegalArgumentException.class);

        assertThat(closed).hasValue(1);
    }
}
