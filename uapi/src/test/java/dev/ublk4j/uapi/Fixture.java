package dev.ublk4j.uapi;

import dev.ublk4j.uapi.wire.Attr;
import dev.ublk4j.uapi.wire.AutoBufRegLayout;
import dev.ublk4j.uapi.wire.BatchIoLayout;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import dev.ublk4j.uapi.wire.ElemHeaderLayout;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.IoCommandLayout;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uapi.wire.IoResult;
import dev.ublk4j.uapi.wire.ParamBasicLayout;
import dev.ublk4j.uapi.wire.ParamDevtLayout;
import dev.ublk4j.uapi.wire.ParamDiscardLayout;
import dev.ublk4j.uapi.wire.ParamDmaAlignLayout;
import dev.ublk4j.uapi.wire.ParamIntegrityLayout;
import dev.ublk4j.uapi.wire.ParamSegmentLayout;
import dev.ublk4j.uapi.wire.ParamType;
import dev.ublk4j.uapi.wire.ParamZonedLayout;
import dev.ublk4j.uapi.wire.ParamsLayout;
import dev.ublk4j.uapi.wire.ShmemAddress;
import dev.ublk4j.uapi.wire.ShmemBufRegLayout;
import dev.ublk4j.uapi.wire.ZoneLayout;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.foreign.StructLayout;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** The rows that {@code src/test/c/regenerate} printed, and what Java has for them. */
final class Fixture {
    static final List<Class<?>> CONSTANTS =
            List.of(
                    Attr.class,
                    AutoBufRegLayout.class,
                    BatchIoLayout.class,
                    BufferOffset.class,
                    ControlCommand.class,
                    DeviceState.class,
                    Feature.class,
                    IoCommand.class,
                    IoFlag.class,
                    IoOp.class,
                    IoResult.class,
                    ParamIntegrityLayout.class,
                    ParamSegmentLayout.class,
                    ParamType.class,
                    ShmemAddress.class,
                    ShmemBufRegLayout.class,
                    ZoneLayout.class);

    static final List<Class<?>> STRUCTURES =
            List.of(
                    AutoBufRegLayout.class,
                    BatchIoLayout.class,
                    ControlCommandLayout.class,
                    DeviceInfoLayout.class,
                    ElemHeaderLayout.class,
                    IoCommandLayout.class,
                    IoDescLayout.class,
                    ParamBasicLayout.class,
                    ParamDevtLayout.class,
                    ParamDiscardLayout.class,
                    ParamDmaAlignLayout.class,
                    ParamIntegrityLayout.class,
                    ParamSegmentLayout.class,
                    ParamZonedLayout.class,
                    ParamsLayout.class,
                    ShmemBufRegLayout.class,
                    ZoneLayout.class);

    private static final String FILE = "ublk_cmd-7.3.fixture";

    private Fixture() {}

    record Constant(String name, long value) {}

    record Structure(String name, long size, long alignment) {}

    record Member(String structure, String name, long offset, long size) {}

    record Sample(String function, long a, long b, long c, long result) {}

    static Stream<Constant> constants() {
        return rows("constant").map(row -> new Constant(row[1], number(row[2])));
    }

    static Stream<Structure> structures() {
        return rows("struct").map(row -> new Structure(row[1], number(row[2]), number(row[3])));
    }

    static Stream<Member> members() {
        return rows("field").map(row -> new Member(row[1], row[2], number(row[3]), number(row[4])));
    }

    static Stream<Sample> samples() {
        return rows("sample")
                .map(row ->
                        new Sample(
                                row[1],
                                number(row[2]),
                                number(row[3]),
                                number(row[4]),
                                number(row[5])));
    }

    private static Stream<String[]> rows(String kind) {
        try (BufferedReader reader =
                new BufferedReader(
                        new InputStreamReader(
                                Objects.requireNonNull(
                                        Fixture.class.getResourceAsStream(FILE), FILE),
                                StandardCharsets.UTF_8))) {
            return reader
                    .lines()
                    .map(line -> line.split(" ", -1))
                    .filter(row -> row[0].equals(kind))
                    .toList()
                    .stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long number(String text) {
        return text.startsWith("0x")
                ? Long.parseUnsignedLong(text.substring(2), 16)
                : Long.parseLong(text);
    }

    /** The constants of Java that have a name of C. */
    static Map<String, Field> javaConstants() {
        Map<String, Field> constants = new HashMap<>();
        for (Class<?> family : CONSTANTS) {
            for (Field field : family.getDeclaredFields()) {
                boolean named = field.getName().matches("(UBLK|UBLKSRV|LBMD|BLK_ZONE)_.*");
                if (named && Modifier.isPublic(field.getModifiers())) {
                    Field other = constants.put(field.getName(), field);
                    assert other == null : field + " twice";
                }
            }
        }
        return constants;
    }

    /** The class of each structure of C. */
    static Map<String, Class<?>> javaStructures() {
        Map<String, Class<?>> structures = new HashMap<>();
        for (Class<?> structure : STRUCTURES) {
            structures.put(layout(structure).name().orElseThrow(), structure);
        }
        return structures;
    }

    static StructLayout layout(Class<?> structure) {
        try {
            return (StructLayout)
                    Objects.requireNonNull(structure.getDeclaredField("LAYOUT").get(null));
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(structure.getName(), e);
        }
    }
}
