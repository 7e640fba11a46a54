package dev.ublk4j.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Resizable;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.testkit.TestBed;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class BadInputTest {
    private static final long SIZE = 1 << 20;

    private record Shaped(Geometry geometry) implements SimpleTarget {
        @Override
        public int read(Request request) {
            return (int) request.length();
        }

        @Override
        public int write(Request request) {
            return (int) request.length();
        }
    }

    private static Target shaped(Geometry geometry) {
        return new Shaped(geometry);
    }

    private static Arguments refused(
            Function<List<Target>, Target> layer, Target one, Target two, String why) {
        return Arguments.of(layer, one, two, why);
    }

    static Stream<Arguments> misfits() {
        Function<List<Target>, Target> stripe = legs -> new Stripe(legs, 65536);
        Geometry plain = Geometry.ofSize(SIZE);
        return Stream.of(
                refused(
                        stripe,
                        shaped(plain),
                        shaped(plain.withSize(2 * SIZE)),
                        "stripe: leg 2 has 2097152 bytes, and leg 1 has 1048576"),
                refused(
                        stripe,
                        shaped(plain),
                        shaped(plain.withBlockSize(4096)),
                        "stripe: leg 2 has blocks of 4096 bytes, and leg 1 has blocks of 512"),
                refused(
                        stripe,
                        shaped(plain.asReadOnly()),
                        shaped(plain),
                        "stripe: leg 2 is writable, and leg 1 is read-only"),
                refused(
                        legs -> new Stripe(legs, 3000),
                        shaped(plain),
                        shaped(plain),
                        "stripe: a chunk is a power of two from the block size on, 512 bytes, and"
                                + " not 3000"),
                refused(
                        legs -> new Stripe(legs, 2 << 20),
                        shaped(plain),
                        shaped(plain),
                        "stripe: a chunk of 2097152 bytes is more than a leg, 1048576"),
                refused(
                        Concat::new,
                        shaped(plain),
                        shaped(plain.withBlockSize(4096)),
                        "concat: leg 2 has blocks of 4096 bytes, and leg 1 has blocks of 512"));
    }

    @ParameterizedTest
    @MethodSource("misfits")
    void legsThatDoNotFitAreRefusedInOneLine(
            Function<List<Target>, Target> layer, Target one, Target two, String why) {
        Closing first = new Closing(one);
        assertThatThrownBy(() -> layer.apply(List.of(first, two)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(why);
        assertThat(first.closed).isTrue();
    }

    @Test
    void oneOfSoManyRequestsFails() {
        DiskFault rule = DiskFault.error(Errno.ENOSPC).on(Operation.WRITE).within(0, 8192).every(3);
        try (TestBed bed = TestBed.of(new FaultInjector(new MemoryTarget(SIZE), rule))) {
            byte[] page = new byte[4096];
            bed.write(0, page);
            bed.write(8192, page);
            bed.write(4096, page);
            assertThatThrownBy(() -> bed.write(0, page))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC));
            bed.write(0, page);
            assertThat(bed.read(0, 4096)).isEqualTo(page);
        }
    }

    @Test
    void aTimeWithoutEndIsALongOne() {
        assertThat(LatencyTable.of(Duration.ofDays(200_000)).nanosAt(0)).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void aStripeThatCannotGrowKeepsTheSizeThatItHad() {
        Elastic one = new Elastic(Long.MAX_VALUE);
        Elastic two = new Elastic(2 * SIZE);
        Stripe stripe = new Stripe(List.of(one, two), 65536);
        Resizable size = stripe.ability(Resizable.class);
        size.resize(4 * SIZE);
        assertThatThrownBy(() -> size.resize(6 * SIZE))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(one.size).isEqualTo(2 * SIZE);
        assertThat(two.size).isEqualTo(2 * SIZE);
    }

    /** A target of any size up to a limit. */
    private static final class Elastic implements SimpleTarget, Resizable {
        private final long limit;
        long size = SIZE;

        Elastic(long limit) {
            this.limit = limit;
        }

        @Override
        public Geometry geometry() {
            return Geometry.ofSize(SIZE);
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
        public void resize(long bytes) {
            if (bytes > limit) {
                throw new IllegalArgumentException("too large");
            }
            size = bytes;
        }
    }
}
