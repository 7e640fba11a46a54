package dev.ublk4j.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.nbd.wire.Chunk;
import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.nbd.wire.Option;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("An export that knows what has changed")
final class ChangesTest {
    private static final String CHANGES = "qemu:dirty-bitmap:changes";
    private static final String ALLOCATION = "base:allocation";
    private static final int CLUSTER = 64 << 10;

    @TempDir Path folder;

    private Served served;

    @BeforeEach
    void serve() {
        served = Served.of(folder, NbdOptions.defaults(), new StripedChanges(CLUSTER));
    }

    @AfterEach
    void close() {
        served.close();
    }

    private static List<String> names(List<NbdClient.Reply> replies) {
        return replies.subList(0, replies.size() - 1).stream()
                .map(NbdClient.Reply::data)
                .map(data -> {
                    data.getInt();
                    return StandardCharsets.UTF_8.decode(data).toString();
                })
                .toList();
    }

    private static List<String> listed(NbdClient client, String... queries) throws IOException {
        return names(client.option(Option.LIST_META_CONTEXT, NbdClient.query("", queries)));
    }

    @Test
    void listsThemWhereTheyAreAskedForByNameOrNamespaceOrNotAtAll() throws IOException {
        try (NbdClient client = NbdClient.greeted(served.socket)) {
            assertThat(listed(client)).containsExactly(ALLOCATION, CHANGES);
            assertThat(listed(client, "base:")).containsExactly(ALLOCATION);
            for (String query : List.of("qemu:", "qemu:dirty-bitmap:", CHANGES)) {
                assertThat(listed(client, query)).containsExactly(CHANGES);
            }
            for (String query : List.of("", ":", "qemu", "q:", "qemu:dirty-bitmap:other")) {
                assertThat(listed(client, query)).isEmpty();
            }
        }
    }

    @Test
    void doesNotListThemWhereItKnowsOfNone() throws IOException {
        served.close();
        served = Served.memory(folder);
        try (NbdClient client = NbdClient.greeted(served.socket)) {
            assertThat(listed(client)).containsExactly(ALLOCATION);
            client.structured();
            assertThat(names(client.option(Option.SET_META_CONTEXT, NbdClient.query("", CHANGES))))
                    .isEmpty();
            client.go("");
            assertThat(client.errorOf(Command.BLOCK_STATUS, 0, 0, 4096)).isEqualTo(22);
        }
    }

    @Test
    void choosesNothingByANamespace() throws IOException {
        try (NbdClient client = NbdClient.greeted(served.socket)) {
            client.structured();
            assertThat(
                            names(
                                    client.option(
                                            Option.SET_META_CONTEXT,
                                            NbdClient.query("", "qemu:", "base:"))))
                    .isEmpty();
        }
    }

    private NbdClient choosing(boolean extended, String... names) throws IOException {
        NbdClient client = NbdClient.greeted(served.socket);
        if (extended) {
            client.extended();
        } else {
            client.structured();
        }
        assertThat(names(client.option(Option.SET_META_CONTEXT, NbdClient.query("", names))))
                .hasSameSizeAs(names);
        client.go("");
        return client;
    }

    /** Reads a chunk of extents, and checks them. */
    private static void assertExtents(
            NbdClient client, boolean extended, int context, boolean last, long... expected)
            throws IOException {
        NbdClient.Chunk chunk = client.receive(0);
        assertThat(chunk.type()).isEqualTo(extended ? Chunk.BLOCK_STATUS_EXT : Chunk.BLOCK_STATUS);
        assertThat(chunk.flags()).isEqualTo(last ? Chunk.DONE : 0);
        ByteBuffer data = chunk.data();
        assertThat(data.getInt()).isEqualTo(context);
        if (extended) {
            assertThat(data.getInt()).isEqualTo(expected.length / 2);
        }
        for (long field : expected) {
            assertThat(extended ? data.getLong() : data.getInt()).isEqualTo(field);
        }
        assertThat(data.hasRemaining()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void tellsOfThemAlone(boolean extended) throws IOException {
        try (NbdClient client = choosing(extended, CHANGES)) {
            client.send(Command.BLOCK_STATUS, 0, 512, 2 * CLUSTER);
            assertExtents(client, extended, 2, true, CLUSTER - 512, 0, CLUSTER, 1, 512, 0);
            client.send(Command.BLOCK_STATUS, Command.FLAG_REQ_ONE, CLUSTER, 2 * CLUSTER);
            assertExtents(client, extended, 2, true, CLUSTER, 1);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void tellsOfThemAndOfWhatHoldsNothing(boolean extended) throws IOException {
        try (NbdClient client = choosing(extended, CHANGES, ALLOCATION)) {
            client.writeAt(CLUSTER, new byte[4096]);
            for (int times = 0; times < 3; times++) {
                client.send(Command.BLOCK_STATUS, 0, 0, 3 * CLUSTER);
                assertExtents(
                        client, extended, 1, false, CLUSTER, 3, 4096, 0, 2 * CLUSTER - 4096, 3);
                assertExtents(client, extended, 2, true, CLUSTER, 0, CLUSTER, 1, CLUSTER, 0);
            }
            assertThat(client.readAt(CLUSTER, 4096)).containsOnly(0);
        }
    }

    @Test
    void tellsAsManyAsThereIsRoomFor() throws IOException {
        served.close();
        served = Served.of(folder, NbdOptions.defaults(), new StripedChanges(512));
        try (NbdClient client = choosing(true, CHANGES, ALLOCATION)) {
            client.send(Command.BLOCK_STATUS, 0, 0, Served.SIZE);
            assertThat(client.receive(0).data().getInt(4)).isEqualTo(1);
            NbdClient.Chunk changes = client.receive(0);
            assertThat(changes.data().getInt(4)).isBetween(100, 512);
            assertThat(changes.data().remaining()).isEqualTo(8 + 16 * changes.data().getInt(4));
            assertThat(client.readAt(0, 512)).containsOnly(0);
        }
    }
}
