package dev.ublk4j.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.driver.control.Control;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.handover.Exchange;
import dev.ublk4j.handover.HandoverConnection;
import dev.ublk4j.handover.HandoverException;
import dev.ublk4j.handover.Request;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceCounters;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharing.adopt.Choice;
import dev.ublk4j.sharing.store.BufferLedger;
import dev.ublk4j.sharing.store.BufferStore;
import dev.ublk4j.sharing.store.Estate;
import dev.ublk4j.sharing.store.Keeper;
import dev.ublk4j.sharing.store.KeeperStore;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Buffers that a former server shared")
class InheritedBuffersTest {
    private static final int PAGE = 4096;
    private static final long SIZE = 16L * PAGE;
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final Duration LONG = Duration.ofMinutes(10);

    /** There is tmpfs everywhere. */
    private static final Path TMPFS = Path.of("/dev/shm");

    @TempDir Path folder;

    private final EmbeddedDriver driver = EmbeddedDriver.create();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment content = Mapping.anonymous(1 << 20, Mapping.MAP_PRIVATE, arena);
    private final SharedMemory memory = SharedMemory.create("client", SIZE);
    private final MemorySegment clients = memory.map(arena, false);
    private final ClientMemory client = new ClientMemory(clients);
    private final Thread keeper = new Thread(this::keep, "keeper");

    private @Nullable Device device;
    private @Nullable SharingServer sharing;
    private List<String> complaints = List.of();

    /** A disk whose content outlives it. */
    private final class LastingDisk implements SimpleTarget {
        @Override
        public Geometry geometry() {
            return Geometry.ofSize(content.byteSize());
        }

        @Override
        public int read(dev.ublk4j.server.Request request) {
            return request.copyFrom(content, request.offset());
        }

        @Override
        public int write(dev.ublk4j.server.Request request) {
            return request.copyTo(content, request.offset());
        }
    }

    private void keep() {
        try (Keeper here = Keeper.open(folder.resolve("keeper"))) {
            here.serve(() -> true);
        }
    }

    private BufferStore store() {
        Path ledger = folder.resolve("ledger");
        try {
            return BufferStore.of(
                    0,
                    Files.exists(ledger) ? BufferLedger.open(ledger) : BufferLedger.begin(ledger),
                    new KeeperStore(folder.resolve("keeper")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private SharingOptions options() {
        return SharingOptions.defaults().withFolder(folder);
    }

    @BeforeEach
    void start() {
        keeper.start();
        DeviceOptions options =
                DeviceOptions.defaults()
                        .withDepth(16)
                        .with(Feature.SHMEM_ZC)
                        .with(Recovery.REISSUE);
        device = Device.start(driver, new LastingDisk(), options);
        sharing = SharingServer.start(device(), options(), store());
    }

    @AfterEach
    void stop() throws InterruptedException {
        sharing().stop();
        device().close();
        sharing().close();
        assertThat(folder.resolve("ledger")).doesNotExist();
        assertThat(keeper.join(PATIENCE)).as("the keeper has ended with the device").isTrue();
        client.close();
        driver.close();
        memory.close();
        arena.close();
    }

    private Device device() {
        return Objects.requireNonNull(device);
    }

    private SharingServer sharing() {
        return Objects.requireNonNull(sharing);
    }

    private HandoverConnection connect() {
        return HandoverConnection.open(sharing().path(), PATIENCE);
    }

    private int register(HandoverConnection connection) {
        return connection.register(memory.fd(), false, "pool").index();
    }

    /** The server goes without a word to its clients or its ledger. */
    private void die() {
        device().quiesce(PATIENCE);
        sharing().stop();
        device().close();
    }

    private void recover(Duration grace) {
        BufferStore store = store();
        Estate estate = Estate.open(store);
        complaints = estate.complaints();
        Device taken = Device.recover(driver, 0, new LastingDisk(), estate.inheritance());
        device = taken;
        sharing = SharingServer.resume(taken, options(), store, estate, grace);
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    private static long await(Disk disk, UnaryOperator<DiskRequest> fill) {
        CompletableFuture<Long> done = new CompletableFuture<>();
        disk.submit(fill.apply(new DiskRequest((request, result) -> done.complete(result))));
        return done.orTimeout(4, TimeUnit.MINUTES).join();
    }

    /** Writes from memory of a client, reads back, and says how the data travelled. */
    private DeviceCounters writeAndRead(ClientMemory from, MemorySegment same, int mark) {
        DeviceCounters before = device().counters();
        try (Disk disk = driver.openBlock(0)) {
            same.set(ValueLayout.JAVA_INT, 0, mark);
            assertThat(await(disk, r -> r.write(0).add(from, 0, PAGE))).isEqualTo(PAGE);
            assertThat(await(disk, r -> r.read(0).add(from, PAGE, PAGE))).isEqualTo(PAGE);
            assertThat(same.get(ValueLayout.JAVA_INT, PAGE)).isEqualTo(mark);
            assertThat(content.get(ValueLayout.JAVA_INT, 0)).isEqualTo(mark);
        }
        DeviceCounters after = device().counters();
        return new DeviceCounters(
                after.sharedRequests() - before.sharedRequests(),
                after.sharedBytes() - before.sharedBytes(),
                after.copiedRequests() - before.copiedRequests(),
                after.copiedBytes() - before.copiedBytes());
    }

    private static final DeviceCounters SHARED = new DeviceCounters(2, 2 * PAGE, 0, 0);
    private static final DeviceCounters COPIED = new DeviceCounters(0, 0, 2, 2 * PAGE);

    private void assertShared(int mark) {
        assertThat(writeAndRead(client, clients, mark)).isEqualTo(SHARED);
    }

    private void assertCopied(int mark) {
        assertThat(writeAndRead(client, clients, mark)).isEqualTo(COPIED);
    }

    /** The end of a connection, or of the grace time, is noticed a moment later. */
    private void awaitCopied(int mark) {
        await(() -> device().sharedBuffer(0).isEmpty());
        assertCopied(mark);
    }

    @Test
    void areSharedAsBeforeAndClaimedByTheirClient() {
        int index;
        try (HandoverConnection before = connect()) {
            index = register(before);
            assertShared(1);
            die();
        }
        recover(LONG);
        assertShared(2);
        try (HandoverConnection after = connect()) {
            assertThat(after.claim(memory.fd(), Exchange.NO_INDEX, "pool").index())
                    .isEqualTo(index);
            assertShared(3);
            after.unregister(index);
            assertCopied(4);
        }
        assertThat(complaints).isEmpty();
    }

    @Test
    void areGivenToAClientThatComesBackAndRegistersAgain() {
        int index;
        try (HandoverConnection before = connect()) {
            index = register(before);
            die();
        }
        recover(LONG);
        try (HandoverConnection after = connect()) {
            assertThat(register(after)).isEqualTo(index);
            assertShared(1);
        }
        awaitCopied(2);
    }

    @Test
    void ofAdoptedMemoryAreKeptWhileAProcessHasIt() {
        long bytes = Choice.WORTHWHILE;
        try (UnknowingProgram program = UnknowingProgram.start("memfd", bytes)) {
            assertThat(sharing().adopt(program.pid(), Choice.worthwhile()).bytes())
                    .isEqualTo(bytes);
            die();
            // Only clients that come back need time.
            recover(Duration.ZERO);
            assertThat(sharing().adopt(program.pid(), Choice.worthwhile()).known())
                    .isEqualTo(bytes);
            assertThat(device().sharedBuffer(0)).isPresent();
            program.kill();
            await(() -> device().sharedBuffer(0).isEmpty());
        }
        assertThat(complaints).isEmpty();
    }

    @Test
    void ofAdoptedMemoryThatNoProcessHasAnyMoreAreTakenBack() {
        try (UnknowingProgram program = UnknowingProgram.start("memfd", Choice.WORTHWHILE)) {
            assertThat(sharing().adopt(program.pid(), Choice.worthwhile()).buffers()).hasSize(1);
            die();
        }
        recover(LONG);
        await(() -> device().sharedBuffer(0).isEmpty());
    }

    @Test
    void areTakenBackWhenNobodyClaimsThem() {
        try (HandoverConnection before = connect()) {
            assertThat(register(before)).isZero();
            die();
        }
        recover(Duration.ZERO);
        awaitCopied(1);
        try (HandoverConnection after = connect()) {
            assertThatThrownBy(() -> after.claim(memory.fd(), 0, ""))
                    .isInstanceOfSatisfying(
                            HandoverException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
        }
    }

    @Test
    void areNotGivenToWhoHasOtherMemory() {
        try (HandoverConnection before = connect()) {
            assertThat(register(before)).isZero();
            die();
        }
        recover(LONG);
        try (HandoverConnection after = connect();
                SharedMemory other = SharedMemory.create("other", SIZE)) {
            assertThatThrownBy(() -> after.claim(other.fd(), 0, ""))
                    .isInstanceOfSatisfying(
                            HandoverException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ESTALE));
            assertThat(after.register(other.fd(), false, "pool").index()).isEqualTo(1);
        }
        assertShared(1);
    }

    @Test
    void surviveSeveralServers() {
        try (HandoverConnection before = connect()) {
            assertThat(register(before)).isZero();
            die();
        }
        for (int round = 0; round < 3; round++) {
            recover(LONG);
            assertShared(round);
            die();
        }
        recover(LONG);
        assertShared(7);
    }

    @Test
    void thatAreKeptStayWithoutAClient() {
        try (HandoverConnection before = connect()) {
            Request.Register request = new Request.Register(0, 0, Exchange.KEEP, "kept");
            assertThat(before.register(memory.fd(), request).index()).isZero();
        }
        die();
        recover(Duration.ZERO);
        assertShared(1);
        assertShared(2);
    }

    private static Path freePath() throws IOException {
        Path path = Files.createTempFile(TMPFS, "ublk4j-test", ".buf");
        Files.delete(path);
        return path;
    }

    @Test
    void ofAFileAreFoundByItsPath() throws IOException {
        Path path = freePath();
        try (SharedMemory file = SharedMemory.createFile(path, SIZE, 0600)) {
            MemorySegment same = file.map(arena, false);
            assertThat(sharing().shareFile(path, false)).isZero();
            die();
            recover(Duration.ZERO);
            assertThat(sharing().hasFile(path)).isTrue();
            try (ClientMemory own = new ClientMemory(same)) {
                assertThat(writeAndRead(own, same, 5)).isEqualTo(SHARED);
            }
            assertThat(complaints).isEmpty();
        } finally {
            Files.deleteIfExists(path);
        }
    }

    @Test
    void ofAFileThatWasMadeAgainAreLostAndItsOldMemoryIsCopied() throws IOException {
        Path path = freePath();
        try (SharedMemory file = SharedMemory.createFile(path, SIZE, 0600)) {
            MemorySegment same = file.map(arena, false);
            assertThat(sharing().shareFile(path, false)).isZero();
            die();
            Files.delete(path);
            SharedMemory.createFile(path, SIZE, 0600).close();
            recover(LONG);
            assertThat(complaints)
                    .singleElement()
                    .asString()
                    .contains("buffer 0", path.toString(), "not the file that was shared");
            assertThat(sharing().hasFile(path)).isFalse();
            try (ClientMemory own = new ClientMemory(same)) {
                assertThat(writeAndRead(own, same, 5)).isEqualTo(COPIED);
            }
            assertThat(sharing().shareFile(path, false)).isZero();
        } finally {
            Files.deleteIfExists(path);
        }
    }

    /** Rewrites the ledger as a server leaves it that dies in the middle of something. */
    private void rewrite(String from, String to) throws IOException {
        Path ledger = folder.resolve("ledger");
        String text = Files.readString(ledger);
        assertThat(text).contains(from);
        Files.writeString(ledger, text.replace(from, to));
    }

    @Test
    void whoseRegistrationWasUnderWayAreServedAndTakenBack() throws IOException {
        try (HandoverConnection before = connect()) {
            assertThat(register(before)).isZero();
            die();
        }
        rewrite(" LIVE 0 ", " COMING -1 ");
        CompletableFuture<Long> kept = new CompletableFuture<>();
        try (Disk disk = driver.openBlock(0)) {
            disk.submit(
                    new DiskRequest((request, result) -> kept.complete(result))
                            .write(0)
                            .add(client, 0, PAGE));
            recover(LONG);
            assertThat(kept.orTimeout(4, TimeUnit.MINUTES).join()).isEqualTo(PAGE);
        }
        assertThat(device().statistics().lost()).isZero();
        assertCopied(1);
    }

    @Test
    void whoseRegistrationHadNotReachedTheDriverDoNoHarm() throws IOException {
        try (HandoverConnection before = connect()) {
            assertThat(register(before)).isZero();
            die();
            rewrite(" LIVE 0 ", " COMING -1 ");
            new Control(driver).unregisterBuffer(0, 0);
        }
        recover(LONG);
        assertCopied(1);
        try (HandoverConnection after = connect()) {
            assertThat(register(after)).isZero();
            assertShared(2);
        }
    }

    @Test
    void neverGetTheIndexOfOneThatNobodyKnows() throws IOException {
        try (HandoverConnection before = connect()) {
            assertThat(register(before)).isZero();
            die();
        }
        // The ledger was lost, and after that a server died while it registered a second buffer.
        rewrite("buffers 1", "buffers 1 and others");
        rewrite(" LIVE 0 ", " COMING -1 ");
        recover(LONG);
        assertThat(complaints).singleElement().asString().contains("pool", "unknown");
        assertThat(device().sharedBuffer(0)).isEmpty();
    }

    @Test
    void whoseRemovalWasUnderWayAreTakenBack() throws IOException {
        try (HandoverConnection before = connect()) {
            assertThat(register(before)).isZero();
            die();
        }
        rewrite(" LIVE ", " GOING ");
        recover(LONG);
        assertThat(device().sharedBuffer(0)).isEmpty();
        assertCopied(1);
    }

    @Test
    void whoseFileHasGrownMeanwhileAreSharedAsBefore() {
        try (HandoverConnection before = connect()) {
            assertThat(register(before)).isZero();
            die();
        }
        memory.fd().truncate(2 * SIZE);
        recover(LONG);
        assertThat(complaints).isEmpty();
        assertShared(1);
    }

    @Test
    void areLeftToTheNextServerByOneThatIsClosedAfterItsDevice() {
        try (HandoverConnection before = connect()) {
            assertThat(register(before)).isZero();
            device().quiesce(PATIENCE);
            device().close();
            sharing().close();
        }
        recover(LONG);
        assertThat(complaints).isEmpty();
        assertShared(1);
    }

    @Test
    void whoseMemoryNobodyKeptAreLost() {
        try (HandoverConnection before = connect()) {
            assertThat(register(before)).isZero();
            die();
        }
        new KeeperStore(folder.resolve("keeper")).remove("ublk0-1");
        recover(LONG);
        assertThat(complaints).singleElement().asString().contains("nobody kept its memory");
        assertCopied(1);
    }

    @Test
    void ofAConnectionThatEndsWhileThereIsNoServerAreInheritedAllTheSame() {
        try (HandoverConnection before = connect()) {
            assertThat(register(before)).isZero();
            device().quiesce(PATIENCE);
        }
        // The server notices that its client is gone before it is told to stop.
        await(() -> sharing().toString().contains("0 connections"));
        sharing().stop();
        device().close();
        recover(LONG);
        assertThat(device().statistics().lost()).isZero();
        assertCopied(1);
    }
}
