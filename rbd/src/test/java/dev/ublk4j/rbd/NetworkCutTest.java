package dev.ublk4j.rbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Deadline;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A cluster and a server between which the network is cut. */
@Timeout(300)
class NetworkCutTest {
    /** After this time without a word, the cluster takes a client for dead: 30 by default. */
    private static final int WATCH_SECONDS = 5;

    private static final Duration CUT = Duration.ofSeconds(2 * WATCH_SECONDS);

    @TempDir Path folder;

    private static TwoNetworks networks;
    private static TestCluster cluster;

    @BeforeAll
    static void start() {
        networks = TwoNetworks.make();
        cluster = TestCluster.startIn(networks);
        String timeout = Integer.toString(WATCH_SECONDS);
        String _ = cluster.ceph("config", "set", "osd", "osd_client_watch_timeout", timeout);
    }

    @AfterAll
    static void end() {
        if (networks != null) {
            networks.close();
        }
    }

    private static void await(BooleanSupplier condition) {
        assertThat(Deadline.in(Duration.ofMinutes(2)).poll(Duration.ofMillis(50), condition))
                .isTrue();
    }

    private static WritingServer serve(RbdImageName name) throws IOException {
        return WritingServer.start(
                networks.besideClient(List.of(WritingServer.java())),
                cluster.configuration(),
                name);
    }

    private static boolean isWatched(RbdImageName name) {
        return !cluster.rbd("status", name.toString()).contains("Watchers: none");
    }

    private byte[] stored(RbdImageName name) throws IOException {
        Path file = Files.createTempDirectory(folder, "stored").resolve("image");
        cluster.rbd("export", "--no-progress", name.toString(), file.toString());
        return Files.readAllBytes(file);
    }

    @Test
    void requestsWaitForANetworkThatIsCutAndTheLockIsKeptWhereNobodyWantsIt() throws Exception {
        RbdImageName name = cluster.image("8M");
        try (WritingServer server = serve(name)) {
            server.await(20);
            assertThat(server.use()).contains("isOurs=true");
            networks.cut();
            int before;
            try {
                await(() -> !isWatched(name));
                before = server.count();
                assertThat(server.use()).as("what is known meanwhile").isEqualTo("null");
                Thread.sleep(CUT);
                assertThat(server.count()).as("writes without a network").isEqualTo(before);
            } finally {
                networks.join();
            }
            server.await(before + 20);
            await(() -> isWatched(name));
            await(() -> server.use().contains("isOurs=true"));
            server.kill();
            server.verify(stored(name));
        }
    }

    @Test
    void whoseLockIsTakenWhileItsNetworkIsCutIsShutOut() throws Exception {
        RbdImageName name = cluster.image("8M");
        try (WritingServer first = serve(name)) {
            first.await(20);
            networks.cut();
            try {
                await(() -> !isWatched(name));
                byte[] before = stored(name);
                List<String> java = networks.besideCluster(WritingServer.java());
                try (WritingServer second =
                        WritingServer.start(java, cluster.configuration(), name)) {
                    second.await(WritingServer.BLOCKS);
                    networks.join();
                    assertThat(first.failure()).contains("EIO");
                    // One write's acknowledgement may have been on its way. What it is for was
                    // there before the second came.
                    first.verify(before);
                    assertThat(first.use()).isEqualTo("null");
                    second.await(second.count() + 20);
                    second.kill();
                    second.verify(stored(name));
                }
            } finally {
                networks.join();
            }
        }
    }
}
