package dev.ublk4j.handover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MessageTest {
    private final ByteBuffer buffer =
            ByteBuffer.allocate(Exchange.MAX_MESSAGE_BYTES).order(ByteOrder.LITTLE_ENDIAN);

    private static String hex(ByteBuffer bytes) {
        byte[] content = new byte[bytes.remaining()];
        bytes.get(content);
        return HexFormat.of().formatHex(content);
    }

    @Test
    void theBytesAreThoseThatAreDocumented() {
        new Hello(1, 7).put(buffer.clear());
        assertThat(hex(buffer.flip())).isEqualTo("75626c6b73686d00" + "01000000" + "07000000");

        Request request = new Request.Register(0x1000, 0x2000, Exchange.READ_ONLY, "pool");
        Frame.put(buffer, request.type(), 5, 0, request::put);
        assertThat(hex(buffer))
                .isEqualTo(
                        "2c000000"
                                + "01000000"
                                + "05000000"
                                + "00000000"
                                + "0010000000000000"
                                + "0020000000000000"
                                + "01000000"
                                + "04000000"
                                + "706f6f6c");

        new BufferEntry(3, Exchange.OWN, 0, 4096, 42, 1000, "a").put(buffer.clear());
        assertThat(hex(buffer.flip()))
                .isEqualTo(
                        "03000000"
                                + "08000000"
                                + "0000000000000000"
                                + "0010000000000000"
                                + "2a000000"
                                + "e8030000"
                                + "00000000"
                                + "01000000"
                                + "6100000000000000");
    }

    static Stream<Request> requests() {
        return Stream.of(
                new Request.Register(4096, 1L << 32, 7, ""),
                new Request.Register(0, 0, 0, "ü".repeat(127)),
                new Request.Unregister(65_535),
                new Request.ListBuffers(9),
                new Request.Stat(),
                new Request.Claim(Exchange.NO_INDEX, "pool"));
    }

    @ParameterizedTest
    @MethodSource("requests")
    void aRequestIsReadAsItWasWritten(Request request) {
        Frame.put(buffer, request.type(), 1, 0, request::put);

        Frame frame = Frame.get(buffer);

        assertThat(frame.length()).isEqualTo(buffer.limit());
        assertThat(Request.get(frame.type(), buffer)).isEqualTo(request);
    }

    @ParameterizedTest
    @MethodSource("requests")
    void aRequestWithAByteTooFewOrTooManyIsMalformed(Request request) {
        for (int change : new int[] {-1, 1}) {
            Frame.put(buffer, request.type(), 1, 0, request::put);
            buffer.position(Exchange.HEADER_BYTES);
            if (buffer.remaining() + change < 0) {
                continue;
            }
            buffer.limit(buffer.limit() + change);
            assertThatThrownBy(() -> Request.get(request.type(), buffer))
                    .isInstanceOfSatisfying(
                            HandoverException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EPROTO));
        }
    }

    @Test
    void aTypeThatIsNotKnownIsNotSupported() {
        assertThatThrownBy(() -> Request.get(99, buffer))
                .isInstanceOfSatisfying(
                        HandoverException.class,
                        e -> assertThat(e.errno()).isEqualTo(Errno.EOPNOTSUPP))
                .hasMessageContaining("does not know request 99");
    }

    @Test
    void aNameThatIsTooLongIsRefusedWhereItIsMade() {
        assertThatThrownBy(() -> new Request.Claim(0, "x".repeat(256)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("256");
    }

    @Test
    void randomBytesAreARequestOrMalformedAndNothingElse() {
        Random random = new Random(1);
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes = new byte[random.nextInt(80)];
            random.nextBytes(bytes);
            ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            try {
                Frame.get(in.limit() < Exchange.HEADER_BYTES ? ByteBuffer.allocate(16) : in);
            } catch (HandoverException e) {
                assertThat(e.errno()).isEqualTo(Errno.EPROTO);
            }
            in.position(0);
            try {
                assertThat(Request.get(random.nextInt(7), in).type()).isBetween(1, 5);
            } catch (HandoverException e) {
                assertThat(e.errno()).isIn(Errno.EPROTO, Errno.EOPNOTSUPP);
            }
        }
    }

    @Test
    void aHelloIsKnownByItsMagicInEitherByteOrder() {
        for (ByteOrder order : new ByteOrder[] {ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN}) {
            ByteBuffer bytes = ByteBuffer.allocate(Exchange.HELLO_BYTES).order(order);
            new Hello(1, 2).put(bytes);
            assertThat(new String(bytes.array(), 0, 8, StandardCharsets.US_ASCII))
                    .isEqualTo("ublkshm\0");
            assertThat(Hello.getOrNull(bytes.flip())).isEqualTo(new Hello(1, 2));
            assertThat(Hello.mayBegin(bytes, 1)).isTrue();
            bytes.put(7, (byte) 1);
            assertThat(Hello.mayBegin(bytes, 7)).isTrue();
            assertThat(Hello.mayBegin(bytes, 9)).isFalse();
            assertThat(Hello.getOrNull(bytes)).isNull();
        }
    }

    @Test
    void aNameThatIsNotUtf8IsRefused() {
        byte[][] names = {
            {(byte) 0xff}, {'a', (byte) 0xc3}, {(byte) 0xed, (byte) 0xa0, (byte) 0x80}
        };
        for (byte[] name : names) {
            ByteBuffer register = ByteBuffer.allocate(64).putLong(0).putLong(0).putInt(0);
            register.putInt(name.length).put(name).flip();
            ByteBuffer claim = ByteBuffer.allocate(64).putInt(Exchange.NO_INDEX);
            claim.putInt(name.length).put(name).flip();
            assertThatThrownBy(() -> Request.get(Request.Register.TYPE, register))
                    .isInstanceOf(HandoverException.class)
                    .hasMessageContaining("UTF-8");
            assertThatThrownBy(() -> Request.get(Request.Claim.TYPE, claim))
                    .isInstanceOf(HandoverException.class)
                    .hasMessageContaining("UTF-8");
        }
    }
}
