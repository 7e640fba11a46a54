package dev.ublk4j.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import java.nio.file.Path;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What takes long ends with who wants it. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class LongWorkTest {
    private static final long EXBIBYTE = 1L << 60;

    @TempDir Path folder;

    /** Counts what it is asked for, and does nothing. */
    private static final class Vast
            implements SimpleTarget, SimpleTarget.Discards, SimpleTarget.WritesZeroes {
        private final Geometry geometry;
        private final AtomicLong asked = new AtomicLong();
        private final Semaphore begun = new Semaphore(0);
        private final @Nullable AllocationMap map;

        Vast(Geometry geometry, @Nullable AllocationMap map) {
            this.geometry = geometry;
            this.map = map;
        }

        @Override
        public Geometry geometry() {
            return geometry;
        }

        private int count(int answer) {
            asked.incrementAndGet();
            begun.release();
            return answer;
        }

        @Override
        public int read(Request request) {
            return (int) request.length();
        }

        @Override
        public int write(Request request) {
            return count((int) request.length());
        }

        @Override
        public int discard(Request request) {
            return count(0);
        }

        @Override
        public int writeZeroes(Request request) {
            return count(0);
        }

        @Override
        public <A> @Nullable A ability(Class<A> type) {
            return type == AllocationMap.class ? type.cast(map) : null;
        }
    }

    private static Vast vast() {
        Geometry geometry = Geometry.ofSize(EXBIBYTE).withDiscard(4096).withWriteZeroes();
        return new Vast(geometry, null);
    }

    private static NbdClient extended(Served served) throws Exception {
        NbdClient client = NbdClient.greeted(served.socket);
        client.extended();
        client.go("");
        return client;
    }

    private static void awaitQuiet(Vast target) throws InterruptedException {
        long seen = -1;
        while (seen != target.asked.get()) {
            seen = target.asked.get();
            Thread.sleep(200);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Command.TRIM, Command.WRITE_ZEROES})
    void anExbibyteEndsWithItsClient(int command) throws Exception {
        Vast target = vast();
        try (Served served = Served.of(folder, NbdOptions.defaults(), target)) {
            try (NbdClient client = extended(served)) {
                for (int count = 0; count < 300; count++) {
                    client.send(command, 0, 0, EXBIBYTE);
                }
                target.begun.acquire(10);
            }
            awaitQuiet(target);
            try (NbdClient client = extended(served)) {
                assertThat(client.readAt(EXBIBYTE - 512, 512)).hasSize(512);
            }
        }
    }

    @Test
    void zeroesThatAreWrittenAsDataEndWithTheirClient() throws Exception {
        Vast target = new Vast(Geometry.ofSize(EXBIBYTE), null);
        try (Served served = Served.of(folder, NbdOptions.defaults(), target)) {
            try (NbdClient client = extended(served)) {
                client.send(Command.WRITE_ZEROES, 0, 1, EXBIBYTE - 1);
                target.begun.acquire(10);
            }
            awaitQuiet(target);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Command.TRIM, Command.WRITE_ZEROES})
    void anExbibyteEndsWithTheServer(int command) throws Exception {
        Vast target = vast();
        Served served = Served.of(folder, NbdOptions.defaults(), target);
        try (NbdClient client = extended(served)) {
            client.send(command, 0, 0, EXBIBYTE);
            target.begun.acquire(10);
            served.close();
            assertThat(client.isEnded()).isTrue();
        }
    }

    @Test
    void whatIsLongIsDoneWholeWhileItIsWanted() throws Exception {
        Vast target = vast();
        try (Served served = Served.of(folder, NbdOptions.defaults(), target);
                NbdClient client = extended(served)) {
            assertThat(client.errorOf(Command.TRIM, 0, 4096, 100L << 30)).isZero();
            assertThat(target.asked.get()).isBetween(100L, 110L);
            assertThat(client.errorOf(Command.WRITE_ZEROES, 0, 4096, 100L << 30)).isZero();
            assertThat(target.asked.get()).isBetween(200L, 220L);
        }
    }

    @Test
    void whatReachesBeyondTheEndIsRefusedBeforeAnythingIsDone() throws Exception {
        Vast target = vast();
        try (Served served = Served.of(folder, NbdOptions.defaults(), target);
                NbdClient client = extended(served)) {
            assertThat(client.errorOf(Command.TRIM, 0, 4096, EXBIBYTE))
                    .isEqualTo(Errno.EINVAL.number());
            assertThat(client.errorOf(Command.TRIM, 0, 0, -1)).isEqualTo(Errno.EINVAL.number());
            assertThat(client.errorOf(Command.WRITE_ZEROES, 0, EXBIBYTE, 512))
                    .isEqualTo(Errno.ENOSPC.number());
            assertThat(client.errorOf(Command.WRITE_ZEROES, 0, -4096, 8192))
                    .isEqualTo(Errno.ENOSPC.number());
            assertThat(target.asked.get()).isZero();
        }
    }

    @Test
    void aMapThatFailsFailsTheRequestAlone() throws Exception {
        Vast target =
                new Vast(
                        Geometry.ofSize(EXBIBYTE),
                        (offset, length, extents) -> {
                            throw new StackOverflowError("deep");
                        });
        try (Served served = Served.of(folder, NbdOptions.defaults(), target);
                NbdClient client = NbdClient.inTransmission(served.socket)) {
            for (int count = 0; count < 3; count++) {
                assertThat(client.errorOf(Command.BLOCK_STATUS, 0, 0, 1 << 20))
                        .isEqualTo(Errno.EIO.number());
            }
            assertThat(client.readAt(0, 512)).hasSize(512);
        }
    }

    /** As where a class that the failure is told with cannot be loaded for lack of descriptors. */
    @Test
    void aFailureThatCannotBeToldIsAnsweredAllTheSame() throws Exception {
        Vast target =
                new Vast(
                        Geometry.ofSize(EXBIBYTE),
                        (offset, length, extents) -> {
                            throw new IllegalStateException("told by nobody") {
                                private static final long serialVersionUID = 1;

                                @Override
                                public String toString() {
                                    throw new NoClassDefFoundError("there/is/None");
                                }
                            };
                        });
        try (Served served = Served.of(folder, NbdOptions.defaults(), target);
                NbdClient client = NbdClient.inTransmission(served.socket)) {
            assertThat(client.errorOf(Command.BLOCK_STATUS, 0, 0, 1 << 20))
                    .isEqualTo(Errno.EIO.number());
            assertThat(client.readAt(0, 512)).hasSize(512);
        }
    }
}
