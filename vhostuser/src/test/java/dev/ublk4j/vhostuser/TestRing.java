package dev.ublk4j.vhostuser;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/** A guest's end of a virtqueue, in the memory of a {@link TestClient}. */
abstract sealed class TestRing permits SplitTestRing, PackedTestRing {
    static final int SIZE = 64;

    static final int IN = 0;
    static final int OUT = 1;
    static final int FLUSH = 4;
    static final int GET_ID = 8;
    static final int DISCARD = 11;
    static final int WRITE_ZEROES = 13;

    static final int OK = 0;
    static final int IOERR = 1;
    static final int UNSUPP = 2;

    static final int NEXT = 1;
    static final int WRITE = 2;
    static final int INDIRECT = 4;

    /** Where data may lie: behind the rings. */
    static final int DATA = 1 << 20;

    /** Of a ring's memory: what is available, or the driver's events. */
    static final int AVAILABLE = 0x4000;

    /** Of a ring's memory: what is used, or the device's events. */
    static final int USED = 0x8000;

    private static final int HEADERS = 0xc000;
    private static final int RING_BYTES = 0x10000;
    private static final Duration PATIENCE = Duration.ofMinutes(4);

    final EventFd kick;
    final EventFd call;
    final MemorySegment memory;
    final int start;
    private final TestClient client;
    private final int index;

    /** Memory of one descriptor. */
    record Piece(long guest, int length, int flags) {}

    /** A ring of the kind that the client has negotiated. */
    static TestRing of(TestClient client, int index) {
        return switch (client.format()) {
            case SPLIT -> new SplitTestRing(client, index);
            case PACKED -> new PackedTestRing(client, index);
        };
    }

    TestRing(TestClient client, int index) {
        this.client = client;
        this.memory = client.memory();
        this.index = index;
        this.start = index * RING_BYTES;
        this.kick = client.event();
        this.call = client.event();
    }

    /** Has the device serve the ring. */
    TestRing started() {
        configure();
        client.tell(TestClient.SET_VRING_ENABLE, TestClient.pair(index, 1));
        return this;
    }

    /** Says everything of the ring, but does not enable it. */
    void configure() {
        client.tell(TestClient.SET_VRING_NUM, TestClient.pair(index, SIZE));
        client.tell(TestClient.SET_VRING_BASE, TestClient.pair(index, here()));
        long at = TestClient.USER + start;
        client.tell(
                TestClient.SET_VRING_ADDR,
                TestClient.payload(index, at, at + USED, at + AVAILABLE, 0));
        client.tell(TestClient.SET_VRING_KICK, TestClient.payload(index), kick.fd());
        client.tell(TestClient.SET_VRING_CALL, TestClient.payload(index), call.fd());
    }

    /** Fills in a descriptor; where it goes on, it does with another number. */
    abstract void descriptor(int number, long guest, int length, int flags, int next);

    /** Fills in an indirect table. */
    abstract void table(int offset, Piece... pieces);

    /** Makes a request available, without a kick. */
    abstract void offer(int number);

    /** How many requests have been answered. */
    abstract int answered();

    /** Takes the next answer, which is to that request; answers the bytes written. */
    abstract int take(int number);

    /** Whether there is an answer to take. */
    abstract boolean isAnswered();

    /** Asks to be called when so many requests of three descriptors have been answered. */
    abstract void callAfter(int requests);

    /** Where the ring stands when nothing is out, as bases are told. */
    abstract int here();

    static long guest(int offset) {
        return TestClient.GUEST + offset;
    }

    /** Where the header of a request is whose first descriptor has that number. */
    int headerOf(int number) {
        return start + HEADERS + number * 32;
    }

    void header(int number, int type, long sector) {
        int at = headerOf(number);
        memory.set(JAVA_INT, at, type);
        memory.set(JAVA_INT, at + 4, 0);
        memory.set(JAVA_LONG, at + 8, sector);
        memory.set(JAVA_BYTE, at + 16, (byte) 0xff);
    }

    /** Describes a request of header, data in one piece and status, in three descriptors. */
    void request(int number, int type, long sector, int data, int bytes) {
        header(number, type, sector);
        int write = type == IN || type == GET_ID ? WRITE : 0;
        descriptor(number, guest(headerOf(number)), 16, NEXT, number + 1);
        if (bytes == 0) {
            descriptor(number + 1, guest(headerOf(number) + 16), 1, WRITE, 0);
        } else {
            descriptor(number + 1, guest(data), bytes, NEXT | write, number + 2);
            descriptor(number + 2, guest(headerOf(number) + 16), 1, WRITE, 0);
        }
    }

    void offerAndKick(int number) {
        offer(number);
        kick.signal();
    }

    /** Waits until one more request has been answered; answers the bytes written. */
    int awaitUsed(int number) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!isAnswered()) {
            assertThat(System.nanoTime()).as("a reply to %d", number).isLessThan(deadline);
            Thread.onSpinWait();
        }
        return take(number);
    }

    int status(int number) {
        return memory.get(JAVA_BYTE, headerOf(number) + 16);
    }

    /** Does a whole request and answers its status. */
    int run(int type, long sector, int data, int bytes) {
        request(0, type, sector, data, bytes);
        offerAndKick(0);
        int written = awaitUsed(0);
        assertThat(written).isEqualTo(type == IN || type == GET_ID ? bytes + 1 : 1);
        return status(0);
    }

    /** A discard or a write of zeroes. */
    int runRange(int type, long sector, int sectors, int flags) {
        memory.set(JAVA_LONG, DATA, sector);
        memory.set(JAVA_INT, DATA + 8, sectors);
        memory.set(JAVA_INT, DATA + 12, flags);
        return run(type, 0, DATA, 16);
    }

    /** Forgets that the client was called, which it is whenever a ring begins. */
    void forgetCalls() {
        MemorySegment counter = Arena.ofAuto().allocate(JAVA_LONG);
        Syscall.call(Syscall.Call.READ, call.fd().number(), counter.address(), Long.BYTES);
    }

    boolean isCalled(Duration time) {
        try (Poll poll = new Poll(call.fd())) {
            return poll.await(time);
        }
    }

    int base() {
        return client.ask(TestClient.GET_VRING_BASE, TestClient.pair(index, 0)).getInt(4);
    }
}
