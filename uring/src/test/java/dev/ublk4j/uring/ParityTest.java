package dev.ublk4j.uring;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Compares our numbers with those that a C compiler made of the kernel's headers. */
class ParityTest {
    private static final List<Class<?>> CLASSES =
            List.of(
                    Sqe.class,
                    Cqe.class,
                    RingSetup.class,
                    Enter.class,
                    Registration.class,
                    BufferRing.class,
                    RingFeatures.class,
                    Poll.class,
                    Fallocate.class,
                    IoUring.class);

    record Row(String name, long value) {
        static Row parse(String line) {
            int space = line.indexOf(' ');
            return new Row(line.substring(0, space), Long.parseLong(line.substring(space + 1)));
        }
    }

    static Stream<Row> rows() {
        InputStream fixture = ParityTest.class.getResourceAsStream("io_uring-7.3.fixture");
        try (BufferedReader reader =
                new BufferedReader(
                        new InputStreamReader(
                                Objects.requireNonNull(fixture), StandardCharsets.UTF_8))) {
            return reader
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(Row::parse)
                    .toList()
                    .stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Stream<Field> constants() {
        return CLASSES.stream()
                .flatMap(type -> Arrays.stream(type.getDeclaredFields()))
                .filter(field -> Modifier.isStatic(field.getModifiers()))
                .filter(field -> !Modifier.isPrivate(field.getModifiers()))
                .filter(field -> field.getType() == int.class || field.getType() == long.class);
    }

    private static String name(Field field) {
        return field.getDeclaringClass().getSimpleName() + "." + field.getName();
    }

    @ParameterizedTest
    @MethodSource("rows")
    void everyNumberIsTheKernels(Row row) throws Exception {
        int dot = row.name().indexOf('.');
        String type = row.name().substring(0, dot);
        String constant = row.name().substring(dot + 1);

        if (type.equals("Opcode")) {
            assertThat(Opcode.valueOf(constant).code()).isEqualTo((int) row.value());
        } else {
            Field field = Class.forName("dev.ublk4j.uring." + type).getDeclaredField(constant);
            assertThat(field.getLong(null)).isEqualTo(row.value());
        }
    }

    @Test
    void noNumberOfOursIsLeftOut() {
        List<String> compared = rows().map(Row::name).collect(Collectors.toList());

        assertThat(constants().map(ParityTest::name)).isNotEmpty().isSubsetOf(compared);
        assertThat(Arrays.stream(Opcode.values()).map(op -> "Opcode." + op.name()))
                .isSubsetOf(compared);
    }
}
