package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.handover.Exchange;
import dev.ublk4j.handover.Frame;
import dev.ublk4j.handover.HandoverConnection;
import dev.ublk4j.handover.Hello;
import dev.ublk4j.handover.MessageStream;
import dev.ublk4j.handover.MessageStream.Outcome;
import dev.ublk4j.handover.Request;
import dev.ublk4j.handover.SimpleExchange;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.socket.UnixSocket;
import dev.ublk4j.sharedmemory.Seal;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharing.Limits;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client does to a device that takes memory: nothing, whatever it tries. */
public abstract class HostileClientRules extends LaneRules {
    private static final Duration LONG = SharedDevice.LONG;
    private static final Duration SHORT = Duration.ofMillis(50);
    private static final long BYTES = 16L * PAGE;

    @TempDir Path files;

    protected HostileClientRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    @AfterEach
    void noMappingIsLeftBehind() throws IOException {
        assertThat(Files.readAllLines(Path.of("/proc/self/maps")))
                .noneMatch(line -> line.contains("memfd:"));
    }

    private static MessageStream raw(SharedDevice device) {
        return new MessageStream(UnixSocket.connect(device.path(), LONG));
    }

    private static void send(MessageStream stream, Consumer<ByteBuffer> content, Fd... with) {
        stream.out().clear();
        content.accept(stream.out());
        stream.out().flip();
        stream.write(LONG, with);
    }

    /** {@return the number that a server answers who lets nobody in, or speaks simply} */
    private static int status(MessageStream stream) {
        assertThat(stream.readUpTo(Integer.BYTES, LONG)).isEqualTo(Outcome.DONE);
        return stream.in().getInt(0);
    }

    private static void assertServes(SharedDevice device, Lane lane) {
        try (Shared shared = new Shared(lane, BYTES);
                HandoverConnection connection = device.connect()) {
            connection.register(shared.file().fd(), false, "good");
            assertThat(device.transfersNotCopied(shared.client())).isEqualTo(2);
        }
    }

    @Test
    void silentClientsStallNeitherOthersNorTheEnd() {
        List<MessageStream> silent = new ArrayList<>();
        try (SharedDevice device = SharedDevice.live(lane())) {
            for (int i = 0; i < 5; i++) {
                silent.add(raw(device));
            }
            // One that begins a message, and one that waits for nothing.
            send(silent.get(0), new Hello(1, 0)::put);
            send(silent.get(1), out -> out.put((byte) 'u'));

            assertServes(device, lane());
        }
        silent.forEach(MessageStream::close);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 8, 16, 20, 32, 60})
    void aClientThatStopsAnywhereIsHungUpOn(int bytes) {
        try (SharedDevice device =
                        SharedDevice.live(lane(), options -> options.withTimes(SHORT, SHORT));
                MessageStream stream = raw(device)) {
            byte[] whole = new byte[Exchange.MAX_MESSAGE_BYTES];
            ByteBuffer message = ByteBuffer.wrap(whole).order(stream.out().order());
            new Hello(1, 0).put(message);
            // A message that is as long as it says only in part.
            message.putInt(100).putInt(1).putInt(1).putInt(0);

            send(stream, out -> out.put(whole, 0, bytes));

            int answered = bytes < Exchange.HELLO_BYTES ? 0 : Exchange.HELLO_BYTES;
            assertThat(stream.readUpTo(answered + 1, LONG)).isEqualTo(Outcome.ENDED);
            assertThat(stream.in().position()).isEqualTo(answered);
            device.awaitNothing();
        }
    }

    @Test
    void aDescriptorThatIsNoMemoryIsRefused() throws IOException {
        List<Fd> wrong = new ArrayList<>();
        wrong.add(Fd.open(Path.of("/dev/null"), Fd.O_RDWR));
        wrong.add(Fd.open(files, Fd.O_RDONLY));
        wrong.add(Fd.open(Path.of("/dev/shm"), Fd.O_RDONLY));
        wrong.add(Fd.open(Path.of("/proc/self/status"), Fd.O_RDONLY));
        Path file = files.resolve("file");
        Files.write(file, new byte[PAGE]);
        Fd onDisk = Fd.open(file, Fd.O_RDWR);
        wrong.add(onDisk);
        List<UnixSocket> pair = UnixSocket.pair();
        wrong.add(pair.getFirst().fd());
        try (SharedDevice device = SharedDevice.live(lane());
                EventFd event = EventFd.nonBlocking();
                HandoverConnection connection = device.connect()) {
            wrong.add(event.fd());
            for (Fd fd : wrong) {
                // The folder of a test may itself be of tmpfs, whose files cannot be sealed.
                assertThat(SimpleExchange.handOver(device.path(), fd, LONG))
                        .as(fd.toString())
                        .isIn(Errno.EINVAL.negated(), Errno.EPERM.negated());
                SharingRules.assertRefused(
                        fd == onDisk && isTmpfs(fd) ? Errno.EPERM : Errno.EINVAL,
                        () -> connection.register(fd, false, "wrong"));
            }
            assertServes(device, lane());
        }
        wrong.forEach(Fd::close);
        pair.forEach(UnixSocket::close);
    }

    private static boolean isTmpfs(Fd fd) {
        int copy = fd.number();
        try (SharedMemory memory = SharedMemory.open(Path.of("/proc/self/fd/" + copy), false)) {
            return memory.kind() == SharedMemory.Kind.TMPFS;
        }
    }

    @Test
    void memoryOfAnUnfitSizeOrPartIsRefused() {
        try (SharedDevice device = SharedDevice.live(lane());
                SharedMemory empty = SharedMemory.create("empty", 0);
                SharedMemory odd = SharedMemory.create("odd", PAGE + 1);
                SharedMemory good = SharedMemory.create("good", 4L * PAGE);
                SharedMemory huge = SharedMemory.create("huge", (4L << 30) + PAGE);
                HandoverConnection connection = device.connect()) {
            for (SharedMemory unfit : List.of(empty, odd)) {
                SharingRules.assertRefused(
                        Errno.EINVAL, () -> connection.register(unfit.fd(), false, ""));
            }
            SharingRules.assertRefused(
                    Errno.EFBIG, () -> connection.register(huge.fd(), false, ""));
            long[][] parts = {
                {1, PAGE},
                {0, 1},
                {PAGE, 4L * PAGE},
                {4L * PAGE, 0},
                {-PAGE, PAGE},
                {0, -PAGE},
                {PAGE, Long.MAX_VALUE & -PAGE},
                {Long.MAX_VALUE & -PAGE, PAGE}
            };
            for (long[] part : parts) {
                Request.Register request = new Request.Register(part[0], part[1], 0, "");
                SharingRules.assertRefused(
                        Errno.EINVAL, () -> connection.register(good.fd(), request));
            }
            Request.Register unknown = new Request.Register(0, 0, 64, "");
            SharingRules.assertRefused(Errno.EINVAL, () -> connection.register(good.fd(), unknown));
            SharingRules.assertRefused(
                    Errno.EINVAL, () -> connection.register(good.fd(), false, "\033[2J"));
            assertThat(connection.register(good.fd(), false, "").index()).isZero();
        }
    }

    @Test
    void memoryThatIsSharedCannotShrinkAndMemoryThatCouldIsNotShared() {
        try (SharedDevice device = SharedDevice.live(lane());
                SharedMemory open = SharedMemory.create("open", BYTES);
                SharedMemory fixed = SharedMemory.create("fixed", BYTES);
                HandoverConnection connection = device.connect()) {
            connection.register(open.fd(), false, "");
            assertThat(open.seals()).contains(Seal.SHRINK);
            assertThatThrownBy(() -> open.fd().truncate(0))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));

            fixed.seal(Seal.SEAL);

            SharingRules.assertRefused(
                    Errno.EPERM, () -> connection.register(fixed.fd(), false, ""));
            assertThat(SimpleExchange.handOver(device.path(), fixed.fd(), LONG))
                    .isEqualTo(Errno.EPERM.negated());
        }
    }

    @Test
    void aFileOfTmpfsIsRefusedUnlessAnAdministratorVouchesForIt() throws IOException {
        Path path = Path.of("/dev/shm/ublk4j-hostile-" + ProcessHandle.current().pid());
        try (SharedMemory file = SharedMemory.createFile(path, BYTES, 0600);
                SharedDevice device = SharedDevice.live(lane());
                HandoverConnection connection = device.connect()) {
            SharingRules.assertRefused(
                    Errno.EPERM, () -> connection.register(file.fd(), false, ""));
            assertThat(SimpleExchange.handOver(device.path(), file.fd(), LONG))
                    .isEqualTo(Errno.EPERM.negated());
        } finally {
            Files.deleteIfExists(path);
        }
    }

    @Test
    void noDescriptorOrSeveralAreRefusedAndNoneIsKept() {
        try (SharedDevice device = SharedDevice.live(lane());
                SharedMemory memory = SharedMemory.create("several", BYTES)) {
            try (MessageStream stream = raw(device)) {
                send(stream, out -> out.put((byte) 0));
                assertThat(status(stream)).isEqualTo(Errno.EPROTO.negated());
            }
            Fd fd = memory.fd();
            for (Fd[] several : new Fd[][] {{fd, fd}, {fd, fd, fd, fd, fd, fd, fd, fd, fd}}) {
                try (MessageStream stream = raw(device)) {
                    send(stream, out -> out.put((byte) 0), several);
                    assertThat(status(stream)).isEqualTo(Errno.EINVAL.negated());
                }
            }
            for (Fd[] unfit : new Fd[][] {{}, {fd, fd}, {fd, fd, fd, fd, fd, fd}}) {
                try (MessageStream stream = raw(device)) {
                    greet(stream);
                    Request request = new Request.Register(0, 0, 0, "");
                    Frame.put(stream.out(), request.type(), 1, 0, request::put);
                    stream.write(LONG, unfit);
                    stream.clear();
                    stream.readUpTo(Exchange.HEADER_BYTES, LONG);
                    assertThat(Frame.get(stream.in().flip()).status())
                            .isEqualTo(Errno.EINVAL.negated());
                }
            }
            device.awaitNothing();
        }
    }

    private static void greet(MessageStream stream) {
        send(stream, new Hello(1, 0)::put);
        assertThat(stream.readUpTo(Exchange.HELLO_BYTES, LONG)).isEqualTo(Outcome.DONE);
    }

    @Test
    void garbageEndsItsOwnConnectionAlone() {
        Random random = new Random(5);
        try (SharedDevice device =
                        SharedDevice.live(lane(), options -> options.withTimes(SHORT, SHORT));
                SharedMemory memory = SharedMemory.create("garbage", BYTES)) {
            for (int round = 0; round < 60; round++) {
                byte[] bytes = new byte[1 + random.nextInt(300)];
                random.nextBytes(bytes);
                try (MessageStream stream = raw(device)) {
                    if (round % 2 == 0) {
                        greet(stream);
                        // Often a header that can be believed, and then anything.
                        bytes[0] = (byte) Math.max(16, bytes.length - 4);
                        bytes[1] = bytes[2] = bytes[3] = 0;
                        bytes[bytes.length > 4 ? 4 : 0] = (byte) random.nextInt(7);
                    }
                    // Before a hello, any byte with memory is the simple exchange.
                    boolean greeted = round % 2 == 0;
                    Fd[] with = greeted && round % 3 == 0 ? new Fd[] {memory.fd()} : new Fd[0];
                    send(stream, out -> out.put(bytes), with);
                }
            }
            device.awaitNothing();
            assertServes(device, lane());
        }
    }

    @Test
    void tooManyBuffersOrBytesAreRefusedAndRoomComesBack() {
        Limits limits = Limits.defaults().withBuffers(100, 2).withBytes(BYTES * 10, BYTES * 2);
        try (SharedDevice device =
                        SharedDevice.live(lane(), options -> options.withLimits(limits));
                SharedMemory one = SharedMemory.create("one", BYTES);
                SharedMemory two = SharedMemory.create("two", BYTES / 2);
                SharedMemory three = SharedMemory.create("three", PAGE);
                SharedMemory large = SharedMemory.create("large", 2 * BYTES);
                HandoverConnection connection = device.connect();
                HandoverConnection same = device.connect()) {
            connection.register(one.fd(), false, "one");
            SharingRules.assertRefused(
                    Errno.EDQUOT, () -> connection.register(large.fd(), false, "large"));
            connection.register(two.fd(), false, "two");
            // What counts is the process, not the connection.
            SharingRules.assertRefused(
                    Errno.EDQUOT, () -> same.register(three.fd(), false, "three"));
            try (HandingProcess other = HandingProcess.start(device.path(), false, BYTES)) {
                assertThat(other.index()).isEqualTo(2);
            }
            connection.unregister(0);
            connection.unregister(1);
            assertThat(same.register(large.fd(), false, "large").index()).isNotNegative();
        }
    }

    @Test
    @SuppressWarnings("try") // one connection is closed before its time
    void tooManyConnectionsAreTurnedAwayUntilOneEnds() {
        Limits limits = Limits.defaults().withConnections(10, 3);
        try (SharedDevice device =
                        SharedDevice.live(lane(), options -> options.withLimits(limits));
                HandoverConnection one = device.connect();
                HandoverConnection two = device.connect();
                HandoverConnection three = device.connect()) {
            SharingRules.assertRefused(Errno.EUSERS, device::connect);
            try (SharedMemory memory = SharedMemory.create("late", PAGE)) {
                assertThat(SimpleExchange.handOver(device.path(), memory.fd(), LONG))
                        .isEqualTo(Errno.EUSERS.negated());
            }
            assertThat(List.of(one.list(), two.list())).allMatch(List::isEmpty);
            three.close();
            Pause.until(
                    "the connection has ended",
                    () -> device.server().counters().get("connections") == 2);
            device.connect().close();
        }
    }

    @Test
    void anotherUserDoesNotGetAsFarAsTheSocket() throws Exception {
        try (SharedDevice device = SharedDevice.live(lane())) {
            Errno errno = OtherUser.run(() -> errnoOfConnecting(device));
            assertThat(errno).isEqualTo(Errno.EACCES);
            assertServes(device, lane());
        }
    }

    @Test
    void anotherUserIsTurnedAwayWhereSomeUserIsLetIn() throws Exception {
        Set<Integer> somebody = Set.of(OtherUser.UID + 1);
        try (SharedDevice device =
                SharedDevice.live(lane(), options -> options.withUsers(somebody))) {
            assertThat(OtherUser.run(() -> errnoOfConnecting(device))).isEqualTo(Errno.EACCES);
        }
    }

    private static Errno errnoOfConnecting(SharedDevice device) {
        try (HandoverConnection connection = device.connect()) {
            throw new AssertionError("let in: " + connection);
        } catch (LinuxException e) {
            return e.errno();
        }
    }

    @Test
    void aUserWhoIsLetInSeesAndDoesNothingThatConcernsOthers() throws Exception {
        Set<Integer> users = Set.of(OtherUser.UID);
        try (SharedDevice device = SharedDevice.live(lane(), options -> options.withUsers(users));
                Shared shared = new Shared(lane(), BYTES);
                SharedMemory memory = SharedMemory.create("other's", BYTES);
                HandoverConnection owner = device.connect()) {
            owner.register(shared.file().fd(), false, "owner's");
            var _ =
                    OtherUser.run(() -> {
                        try (HandoverConnection connection = device.connect()) {
                            assertThat(connection.list()).isEmpty();
                            SharingRules.assertRefused(
                                    Errno.ENOENT, () -> connection.unregister(0));
                            SharingRules.assertRefused(
                                    Errno.ENOENT, () -> connection.claim(memory.fd(), 0, ""));
                            for (int flag : new int[] {Exchange.KEEP, Exchange.TRUSTED}) {
                                Request.Register request = new Request.Register(0, 0, flag, "");
                                SharingRules.assertRefused(
                                        Errno.EPERM,
                                        () -> connection.register(memory.fd(), request));
                            }
                            assertThat(connection.register(memory.fd(), false, "").index())
                                    .isEqualTo(1);
                            return connection.list().size();
                        }
                    });
            assertThat(device.transfersNotCopied(shared.client())).isEqualTo(2);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aKilledClientLosesItsBuffers(boolean simply) {
        try (SharedDevice device = SharedDevice.live(lane());
                HandingProcess client = HandingProcess.start(device.path(), simply, BYTES)) {
            try (SharedMemory memory = client.openMemory();
                    Arena arena = Arena.ofShared();
                    ClientArea area = lane().area(memory.map(arena, false))) {
                assertThat(device.transfersNotCopied(area)).isEqualTo(2);

                client.kill();

                device.awaitNothing();
                assertThat(device.transfersNotCopied(area)).isZero();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aClientKilledInTheMiddleOfIoLosesItsBuffersWhenTheIoHasEnded(boolean simply) {
        HeldTarget target = new HeldTarget();
        try (SharedDevice device = SharedDevice.live(lane(), target, options -> options);
                HandingProcess client = HandingProcess.start(device.path(), simply, BYTES)) {
            try (SharedMemory memory = client.openMemory();
                    Arena arena = Arena.ofShared();
                    ClientArea area = lane().area(memory.map(arena, false))) {
                pattern(area.memory(), 9);
                CompletableFuture<Long> write =
                        device.disk().submit(Io.write(0, area.piece(0, BYTES)));
                target.awaitWrite();
                assertThat(device.device().counters().sharedRequests()).isEqualTo(1);

                client.kill();
                for (int i = 0; i < 20; i++) {
                    Pause.briefly();
                }
                assertThat(write).isNotDone();
                // Its memory is still mapped, or this would be the end of the test.
                target.letGo();

                assertThat(ClientDisk.await(write)).isEqualTo(BYTES);
                assertThat(target.disk().asSlice(0, BYTES).mismatch(area.memory())).isEqualTo(-1);
                device.awaitNothing();
            }
        }
    }

    @Test
    void aClientThatHangsUpInTheMiddleOfRegisteringLeavesNothing() {
        HeldTarget target = new HeldTarget();
        try (SharedDevice device = SharedDevice.live(lane(), target, options -> options);
                Shared shared = new Shared(lane(), BYTES);
                SharedMemory memory = SharedMemory.create("late", BYTES)) {
            // A driver takes memory when no request is under way, so this holds it up.
            CompletableFuture<Long> write =
                    device.disk().submit(Io.write(0, shared.client().piece(0, PAGE)));
            target.awaitWrite();
            try (MessageStream simply = raw(device);
                    MessageStream stream = raw(device)) {
                greet(stream);
                Request request = new Request.Register(0, 0, 0, "");
                Frame.put(stream.out(), request.type(), 1, 0, request::put);
                stream.write(LONG, memory.fd());
                send(simply, out -> out.put((byte) 0), shared.file().fd());
            }
            try (HandoverConnection meanwhile = device.connect()) {
                assertThat(meanwhile.stat()).containsKey("buffers");
            }
            target.letGo();
            assertThat(ClientDisk.await(write)).isEqualTo(PAGE);
            // What was handed over simply is this process's, unless that was too late, too.
            Pause.until(
                    "the other connection has ended",
                    () -> {
                        long connections = device.server().counters().get("connections");
                        return connections <= 1 && device.buffers() == connections;
                    });
        }
    }

    @Test
    void aClientThatNeverReadsItsAnswersIsHungUpOn() {
        try (SharedDevice device =
                        SharedDevice.live(lane(), options -> options.withTimes(SHORT, LONG));
                MessageStream stream = raw(device)) {
            greet(stream);
            Outcome outcome = Outcome.DONE;
            for (int i = 0; i < 100_000 && outcome == Outcome.DONE; i++) {
                Frame.put(stream.out(), 4, i, 0, out -> {});
                outcome = stream.write(LONG);
            }
            assertThat(outcome).isEqualTo(Outcome.ENDED);
            device.awaitNothing();
        }
    }
}
