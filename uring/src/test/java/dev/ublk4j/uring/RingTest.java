package dev.ublk4j.uring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@ParameterizedClass
@EnumSource(RingKind.class)
class RingTest {
    private static final long SECOND = 1_000_000_000;

    /** The virtual machine has a handler for it that does nothing. */
    private static final int SIGPIPE = 13;

    @Parameter RingKind kind = RingKind.DEFERRED;

    private Ring open(int entries, int completionEntries) {
        return Ring.open(
                kind.options().withEntries(entries).withCompletionEntries(completionEntries));
    }

    @Test
    void everyNopOfManyTimesTheRingCompletesOnce() {
        Completions completions = new Completions();
        try (Ring ring = open(8, 0)) {
            for (int batch = 0; batch < 100; batch++) {
                for (int i = 0; i < 8; i++) {
                    ring.nop(batch * 8L + i);
                }
                assertThat(ring.free()).isZero();
                assertThat(ring.pendingSubmissions()).isEqualTo(8);
                assertThat(ring.submitAndWait(8)).isEqualTo(8);
                assertThat(ring.free()).isEqualTo(8);
                assertThat(ring.ready()).isEqualTo(8);
                assertThat(ring.drain(completions)).isEqualTo(8);
            }
        }

        assertThat(completions.all())
                .isEqualTo(
                        LongStream.range(0, 800)
                                .mapToObj(n -> new Completions.Completion(n, 0, 0))
                                .toList());
    }

    @Test
    void preparingOnAFullRingSubmits() {
        try (Ring ring = open(4, 64)) {
            for (int i = 0; i < 11; i++) {
                ring.nop(i);
            }

            assertThat(ring.pendingSubmissions()).isEqualTo(3);
            assertThat(new Completions().await(ring, 11).all())
                    .extracting(Completions.Completion::userData)
                    .isEqualTo(LongStream.range(0, 11).boxed().toList());
        }
    }

    @Test
    void reservingMoreThanTheRingHoldsIsRefused() {
        try (Ring ring = open(4, 0)) {
            ring.nop(1);
            ring.reserve(4);
            assertThat(ring.free()).isEqualTo(4);

            assertThatThrownBy(() -> ring.reserve(5))
                    .isInstanceOf(SubmissionQueueFullException.class)
                    .hasMessageContaining("0 of 4");
        }
    }

    @Test
    void completionsThatFoundNoRoomAreNotLost() {
        Completions completions = new Completions();
        try (Ring ring = open(4, 8)) {
            for (int i = 0; i < 100; i++) {
                ring.nop(i);
            }
            ring.submit();
            assertThat(ring.ready()).isEqualTo(8);
            assertThat(ring.needsEnter()).isTrue();

            assertThat(ring.drain(completions)).isEqualTo(100);

            assertThat(ring.needsEnter()).isFalse();
            assertThat(ring.drain(completions)).isZero();
        }

        assertThat(completions.all())
                .extracting(Completions.Completion::userData)
                .isEqualTo(LongStream.range(0, 100).boxed().toList());
    }

    @Test
    void aHandlerThatAlwaysSubmitsDoesNotHoldTheDrainForever() {
        try (Ring ring = open(4, 0)) {
            ring.nop(1);
            ring.submit();

            int count =
                    ring.drain((userData, result, flags) -> {
                        ring.nop(userData);
                        ring.submit();
                    });

            assertThat(count).isGreaterThan(1).isLessThan(100);
            assertThat(ring.ready()).isEqualTo(1);
        }
    }

    @Test
    void aTimeoutCompletesWithEtime() {
        try (Ring ring = open(4, 0)) {
            ring.timeout(1_000_000, 5);

            assertThat(new Completions().await(ring, 1).result(5)).isEqualTo(Errno.ETIME.negated());
        }
    }

    @Test
    void manyTimeoutsKeepTheirOwnTimes() {
        try (Ring ring = open(4, 0)) {
            ring.timeout(3600 * SECOND, 1);
            ring.timeout(1, 2);
            ring.timeout(3600 * SECOND, 3);
            ring.timeout(1, 4);

            Completions completions = new Completions().await(ring, 2);

            assertThat(completions.result(2)).isEqualTo(Errno.ETIME.negated());
            assertThat(completions.result(4)).isEqualTo(Errno.ETIME.negated());
        }
    }

    @Test
    void waitingEndsWithEtimeAndTheEntriesAreSubmitted() {
        try (Ring ring = open(4, 0)) {
            ring.nop(1);

            assertThat(ring.submitAndWait(2, 1_000_000)).isEqualTo(Errno.ETIME.negated());
            assertThat(ring.pendingSubmissions()).isZero();
            assertThat(ring.ready()).isEqualTo(1);
            assertThat(ring.submitAndWait(2, 0)).isEqualTo(Errno.ETIME.negated());
            assertThat(ring.submitAndWait(1, 0)).isZero();
            assertThat(ring.submitAndWait(1)).isZero();
        }
    }

    @Test
    void waitingInTimeAnswersTheNumberSubmitted() {
        try (Ring ring = open(4, 0)) {
            ring.nop(1);
            ring.nop(2);

            assertThat(ring.submitAndWait(2, 20 * SECOND)).isEqualTo(2);
        }
    }

    @Test
    void waitingForMoreThanTheRingHoldsWaitsForAFullRing() {
        try (Ring ring = open(4, 8)) {
            for (int i = 0; i < 8; i++) {
                ring.nop(i);
            }

            ring.submitAndWait(1000);

            assertThat(ring.ready()).isEqualTo(8);
        }
    }

    @Test
    void aCancelledOperationCompletesWithEcanceled() {
        try (Ring ring = open(4, 0)) {
            ring.timeout(3600 * SECOND, 1);
            ring.submit();
            ring.cancel(1, 2);
            ring.cancel(99, 3);

            Completions completions = new Completions().await(ring, 3);

            assertThat(completions.result(1)).isEqualTo(Errno.ECANCELED.negated());
            assertThat(completions.result(2)).isZero();
            assertThat(completions.result(3)).isEqualTo(Errno.ENOENT.negated());
        }
    }

    @Test
    void cancellingADescriptorCountsItsOperations() {
        try (Ring ring = open(8, 0);
                EventFd event = EventFd.nonBlocking();
                EventFd other = EventFd.nonBlocking()) {
            ring.pollAdd(event.fd().number(), Poll.POLLIN, false, 1);
            ring.pollAdd(other.fd().number(), Poll.POLLIN, false, 2);
            ring.pollAdd(event.fd().number(), Poll.POLLIN, false, 3);
            ring.submit();
            ring.cancelFd(event.fd().number(), 4);

            Completions completions = new Completions().await(ring, 3);

            assertThat(completions.result(1)).isEqualTo(Errno.ECANCELED.negated());
            assertThat(completions.result(3)).isEqualTo(Errno.ECANCELED.negated());
            assertThat(completions.result(4)).isEqualTo(2);
        }
    }

    @Test
    void cancellingAllLeavesNothingUnderWay() {
        try (Ring ring = open(8, 0);
                EventFd event = EventFd.nonBlocking()) {
            ring.timeout(3600 * SECOND, 1);
            ring.pollAdd(event.fd().number(), Poll.POLLIN, true, 2);
            ring.submit();

            assertThat(ring.cancelAll(20 * SECOND)).isTrue();

            Completions completions = new Completions().await(ring, 2);
            assertThat(completions.result(1)).isEqualTo(Errno.ECANCELED.negated());
            assertThat(completions.result(2)).isEqualTo(Errno.ECANCELED.negated());
            assertThat(ring.cancelAll(20 * SECOND)).isTrue();
        }
    }

    @Test
    void aLinkedTimeoutEndsTheEntryBeforeIt() {
        try (Ring ring = open(8, 0);
                EventFd event = EventFd.nonBlocking()) {
            ring.reserve(2);
            ring.pollAdd(event.fd().number(), Poll.POLLIN, false, 1);
            ring.setSqeFlags(IoUring.IOSQE_IO_LINK);
            ring.linkTimeout(1_000_000, 2);

            Completions completions = new Completions().await(ring, 2);

            assertThat(completions.result(1)).isEqualTo(Errno.ECANCELED.negated());
            assertThat(completions.result(2)).isEqualTo(Errno.ETIME.negated());
        }
    }

    @Test
    void aPollIsWokenByAnEventFd() throws Exception {
        try (Ring ring = open(4, 0);
                EventFd event = EventFd.nonBlocking()) {
            ring.pollAdd(event.fd().number(), Poll.POLLIN, false, 7);
            ring.submit();
            Thread signaller = Thread.ofPlatform().start(event::signal);

            Completions completions = new Completions().await(ring, 1);

            signaller.join();
            assertThat(completions.of(7)).isEqualTo(new Completions.Completion(7, Poll.POLLIN, 0));
        }
    }

    @Test
    void aMultishotPollGoesOn() {
        try (Ring ring = open(4, 0);
                EventFd event = EventFd.nonBlocking()) {
            ring.pollAdd(event.fd().number(), Poll.POLLIN, true, 7);
            ring.submit();
            for (int i = 0; i < 3; i++) {
                event.signal();

                Completions completions = new Completions().await(ring, 1);

                assertThat(completions.of(7).result()).isEqualTo(Poll.POLLIN);
                assertThat(completions.of(7).flags() & IoUring.IORING_CQE_F_MORE).isNotZero();
            }
        }
    }

    @Test
    void anotherThreadsRingWakesThisOne() throws Exception {
        try (Ring ring = open(4, 0)) {
            int target = ring.fd();
            AtomicReference<Integer> sent = new AtomicReference<>();
            Thread sender =
                    Thread.ofPlatform()
                            .start(() -> {
                                try (Ring other = open(4, 0)) {
                                    other.messageRing(target, 42, 77, 1);
                                    sent.set(Completions.resultOf(other));
                                }
                            });

            Completions completions = new Completions().await(ring, 1);

            sender.join();
            assertThat(sent.get()).isZero();
            assertThat(completions.of(77)).isEqualTo(new Completions.Completion(77, 42, 0));
        }
    }

    @Test
    void completionsCountOnARegisteredEventFd() {
        try (Ring ring = open(4, 0);
                Ring watcher = open(4, 0);
                EventFd event = EventFd.nonBlocking()) {
            ring.registerEventFd(event.fd().number());
            watcher.pollAdd(event.fd().number(), Poll.POLLIN, false, 1);
            watcher.submit();
            assertThat(watcher.ready()).isZero();
            ring.nop(2);
            ring.submit();

            assertThat(Completions.resultOf(watcher)).isEqualTo(Poll.POLLIN);
            ring.unregisterEventFd();
            assertThatThrownBy(ring::unregisterEventFd)
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> {
                                assertThat(e.call())
                                        .isEqualTo("io_uring_register(UNREGISTER_EVENTFD)");
                                assertThat(e.errno()).isEqualTo(Errno.ENXIO);
                            });
        }
    }

    @Test
    void theRingSaysWhenACallWouldBringCompletions() {
        try (Ring ring = Ring.open(kind.options().withTaskrunFlag(true));
                EventFd event = EventFd.nonBlocking()) {
            ring.pollAdd(event.fd().number(), Poll.POLLIN, false, 1);
            ring.submit();
            assertThat(ring.needsEnter()).isFalse();

            event.signal();

            assertThat(ring.ready() == 1 || ring.needsEnter()).isTrue();
            ring.submitAndWait(0);
            assertThat(ring.ready()).isEqualTo(1);
            assertThat(ring.needsEnter()).isFalse();
        }
    }

    @Test
    void aCommandAreaIsZeroedAndAsLongAsTheEntryAllows() {
        try (Ring ring = open(1, 0);
                EventFd event = EventFd.nonBlocking()) {
            int length = kind == RingKind.SQE128 ? 80 : 16;
            ring.sqes().fill((byte) 0xff);

            long command = ring.uringCommand(event.fd().number(), 0x1234, 9);

            assertThat(command + length).isEqualTo(ring.sqes().byteSize());
            assertThat(ring.sqes().asSlice(command, length).toArray(JAVA_BYTE))
                    .containsOnly((byte) 0);
            ring.setAddress(0x5678);
            assertThat(ring.sqes().get(JAVA_INT, Sqe.CMD_OP)).isEqualTo(0x1234);
            assertThat(ring.sqes().get(JAVA_INT, Sqe.CMD_OP + 4)).isZero();
            assertThat(ring.sqes().get(JAVA_LONG, Sqe.ADDR)).isEqualTo(0x5678);
            // An eventfd takes no commands, which shows that the kernel saw one.
            assertThat(Completions.resultOf(ring)).isEqualTo(Errno.EOPNOTSUPP.negated());
        }
    }

    @Test
    void aRefusedEntryDoesNotHoldUpThoseBehindIt() {
        try (Ring ring = open(8, 0)) {
            ring.nop(1);
            ring.nop(2);
            ring.setSqeFlags(0x80);
            ring.nop(3);

            Completions completions = new Completions().await(ring, 3);

            assertThat(completions.result(1)).isZero();
            assertThat(completions.result(2)).isEqualTo(Errno.EINVAL.negated());
            assertThat(completions.result(3)).isZero();
        }
    }

    @Test
    void pendingEntriesAndCompletionsAreListed() {
        try (Ring ring = open(4, 0)) {
            ring.nop(0x11);
            ring.submitAndWait(1);
            ring.cancel(0x11, 0x22);

            assertThat(ring.toString())
                    .contains("io_uring")
                    .contains("ASYNC_CANCEL fd=-1 userData=0x22")
                    .contains("userData=0x11 result=0");
        }
    }

    @Test
    void closedRingsLeaveNoDescriptorAndNoMapping() throws Exception {
        try (Ring first = open(4, 0)) {
            first.nop(0);
            assertThat(Completions.resultOf(first)).isZero();
        }
        long before = descriptors();
        for (int i = 0; i < 50; i++) {
            try (Ring ring = open(4, 0)) {
                ring.timeout(3600 * SECOND, i);
                ring.submit();
            }
        }

        assertThat(descriptors()).isEqualTo(before);
        assertThat(Files.readAllLines(Path.of("/proc/self/maps")))
                .noneMatch(line -> line.contains("[io_uring]"));
    }

    private static long descriptors() throws IOException {
        try (Stream<Path> entries = Files.list(Path.of("/proc/self/fd"))) {
            return entries.filter(
                            path -> {
                                try {
                                    return Files.readSymbolicLink(path)
                                            .toString()
                                            .contains("[io_uring]");
                                } catch (IOException e) {
                                    return false; // the descriptor of this very listing
                                }
                            })
                    .count();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void signalsDoNotEndAWait(boolean limited) throws Exception {
        try (Ring ring = open(4, 0);
                EventFd event = EventFd.nonBlocking()) {
            ring.pollAdd(event.fd().number(), Poll.POLLIN, false, 1);
            long process = Syscall.call(Syscall.Call.GETPID, 0, 0, 0);
            long waiter = Syscall.call(Syscall.Call.GETTID, 0, 0, 0);
            AtomicInteger delivered = new AtomicInteger();
            Thread signaller =
                    Thread.ofPlatform()
                            .start(() -> {
                                for (int i = 0; i < 50; i++) {
                                    LockSupport.parkNanos(1_000_000);
                                    if (Syscall.call(Syscall.Call.TGKILL, process, waiter, SIGPIPE)
                                            == 0) {
                                        delivered.incrementAndGet();
                                    }
                                }
                                event.signal();
                            });

            int submitted = limited ? ring.submitAndWait(1, 20 * SECOND) : ring.submitAndWait(1);

            assertThat(submitted).isEqualTo(1);
            assertThat(ring.ready()).isEqualTo(1);
            signaller.join();
            assertThat(delivered).hasValue(50);
        }
    }
}
