package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.lane.ClientArea.Piece;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceCounters;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.SharedBuffer;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Buffers come and go on several threads, under requests of several others that verify every byte.
 *
 * <p>{@code UBLK4J_SOAK_ROUNDS} in the environment says how many requests each thread makes.
 */
public abstract class SoakRules extends LaneRules {
    private static final int ROUNDS =
            Integer.parseInt(System.getenv().getOrDefault("UBLK4J_SOAK_ROUNDS", "400"));
    private static final int CLIENTS = 4;
    private static final int REGISTRARS = 3;

    /** Of each client: half to write from, half to read into. */
    private static final int AREA_PAGES = 64;

    private static final int DISK_PAGES = 256;

    protected SoakRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    @Test
    @Timeout(7200)
    void everyByteIsRightWhileBuffersComeAndGo() {
        DeviceOptions options =
                DeviceOptions.defaults()
                        .withQueues(2)
                        .withDepth(16)
                        .with(Feature.SHMEM_ZC)
                        .with(Feature.NO_AUTO_PART_SCAN);
        long size = (long) CLIENTS * DISK_PAGES * PAGE;
        try (Shared memory = Shared.scattered(lane(), (long) CLIENTS * AREA_PAGES * PAGE);
                Device device = Device.start(lane().driver(), new MemoryTarget(size), options);
                ClientDisk disk = lane().openDisk(device.id())) {
            AtomicBoolean stop = new AtomicBoolean();
            List<CompletableFuture<Integer>> registrars = new ArrayList<>();
            for (int i = 0; i < REGISTRARS; i++) {
                int seed = i;
                registrars.add(meanwhile(() -> comeAndGo(device, memory, seed, stop)));
            }
            List<CompletableFuture<Integer>> clients = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                int number = i;
                clients.add(meanwhile(() -> verify(disk, memory, number)));
            }
            try {
                clients.forEach(CompletableFuture::join);
            } finally {
                stop.set(true);
            }
            int registered = registrars.stream().mapToInt(CompletableFuture::join).sum();
            assertThat(registered).as("buffers that came and went").isPositive();
            DeviceCounters counters = device.counters();
            assertThat(counters.sharedRequests()).as("requests in shared memory").isPositive();
            assertThat(counters.copiedRequests()).as("requests that were copied").isPositive();
            System.out.printf(
                    "soak on %s: %d requests verified, %d shared, %d copied, %d buffers%n",
                    lane(),
                    2 * CLIENTS * ROUNDS,
                    counters.sharedRequests(),
                    counters.copiedRequests(),
                    registered);
        }
    }

    /** Shares pieces of the memory and takes them back; answers how many. */
    private static int comeAndGo(Device device, Shared memory, int seed, AtomicBoolean stop) {
        Random random = new Random(seed);
        int pages = CLIENTS * AREA_PAGES;
        List<SharedBuffer> mine = new ArrayList<>();
        int count = 0;
        while (!stop.get()) {
            if (mine.size() >= 4 || (!mine.isEmpty() && random.nextInt(3) == 0)) {
                mine.remove(random.nextInt(mine.size())).close();
            }
            int length = 1 + random.nextInt(AREA_PAGES);
            int first = random.nextInt(pages - length + 1);
            MemorySegment some = memory.server().asSlice((long) first * PAGE, (long) length * PAGE);
            try {
                mine.add(device.share(some, random.nextInt(4) == 0));
                count++;
            } catch (LinuxException e) {
                // Another's buffer, or one of these, has a page of it.
                assertThat(e.errno()).isEqualTo(Errno.EEXIST);
            }
        }
        mine.forEach(SharedBuffer::close);
        return count;
    }

    /** Writes and reads back, on a part of the disk that is nobody else's. */
    private static int verify(ClientDisk disk, Shared memory, int number) {
        Random random = new Random(number);
        int half = AREA_PAGES / 2;
        int base = number * AREA_PAGES;
        for (int round = 0; round < ROUNDS; round++) {
            int pages = 1 + random.nextInt(8);
            long position = pages(number * DISK_PAGES + random.nextInt(DISK_PAGES - pages));
            Piece[] from = pieces(memory, random, base, half, pages);
            Piece[] to = pieces(memory, random, base + half, half, pages);
            byte[] data = new byte[pages * PAGE];
            random.nextBytes(data);
            scatter(data, from);
            long written = disk.run(Io.write(position, from));
            assertThat(written).as("write %d of client %d", round, number).isEqualTo(data.length);
            scatter(new byte[data.length], to);
            long read = disk.run(Io.read(position, to));
            assertThat(read).as("read %d of client %d", round, number).isEqualTo(data.length);
            assertThat(gather(to, data.length))
                    .as("data of round %d of client %d", round, number)
                    .isEqualTo(data);
        }
        return ROUNDS;
    }

    private static long pages(int count) {
        return (long) count * PAGE;
    }

    /** {@return one piece, or two that lie apart and in whatever order} */
    private static Piece[] pieces(Shared memory, Random random, int base, int room, int pages) {
        if (pages == 1 || random.nextBoolean()) {
            int first = base + random.nextInt(room - pages);
            return new Piece[] {memory.client().piece(pages(first), pages(pages))};
        }
        int one = 1 + random.nextInt(pages - 1);
        int middle = base + room / 2;
        Piece low = memory.client().piece(pages(base + random.nextInt(room / 2 - one)), pages(one));
        int rest = pages - one;
        Piece high =
                memory.client().piece(pages(middle + random.nextInt(room / 2 - rest)), pages(rest));
        return random.nextBoolean() ? new Piece[] {low, high} : new Piece[] {high, low};
    }

    private static void scatter(byte[] data, Piece[] pieces) {
        int at = 0;
        for (Piece piece : pieces) {
            MemorySegment part = MemorySegment.ofArray(data).asSlice(at, piece.length());
            piece.memory().copyFrom(part);
            at += (int) piece.length();
        }
    }

    private static byte[] gather(Piece[] pieces, int bytes) {
        byte[] data = new byte[bytes];
        int at = 0;
        for (Piece piece : pieces) {
            MemorySegment.ofArray(data).asSlice(at, piece.length()).copyFrom(piece.memory());
            at += (int) piece.length();
        }
        return data;
    }
}
