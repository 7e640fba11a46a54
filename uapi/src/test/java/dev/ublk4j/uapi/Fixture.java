package dev.ublk4j.uapi;

import dev.ublk4j.uapi.wire.Attr;
import dev.ublk4j.uapi.wire.AutoBufReg;
import dev.ublk4j.uapi.wire.BatchIo;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.CtrlCmd;
import dev.ublk4j.uapi.wire.DevInfo;
import dev.ublk4j.uapi.wire.ElemHeader;
import dev.ublk4j.uapi.wire.IoCmd;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.IoDesc;
import dev.ublk4j.uapi.wire.IoResult;
import dev.ublk4j.uapi.wire.ParamBasic;
import dev.ublk4j.uapi.wire.ParamDevt;
import dev.ublk4j.uapi.wire.ParamDiscard;
import dev.ublk4j.uapi.wire.ParamDmaAlign;
import dev.ublk4j.uapi.wire.ParamIntegrity;
import dev.ublk4j.uapi.wire.ParamSegment;
import dev.ublk4j.uapi.wire.ParamType;
import dev.ublk4j.uapi.wire.ParamZoned;
import dev.ublk4j.uapi.wire.Params;
import dev.ublk4j.uapi.wire.ShmemAddress;
import dev.ublk4j.uapi.wire.ShmemBufReg;
import dev.ublk4j.uapi.wire.Zone;
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
                    AutoBufReg.class,
                    BatchIo.class,
                    BufferOffset.class,
                    ControlCommand.class,
                    DeviceState.class,
                    Feature.class,
                    IoCommand.class,
                    IoFlag.class,
                    IoOp.class,
                    IoResult.class,
                    ParamIntegrity.class,
                    ParamSegment.class,
                    ParamType.class,
                    ShmemAddress.class,
                    ShmemBufReg.class,
                    Zone.class);

    static final List<Class<?>> STRUCTURES =
            List.of(
                    AutoBufReg.class,
                    BatchIo.class,
                    CtrlCmd.class,
                    DevInfo.class,
                    ElemHeader.class,
                    IoCmd.class,
                    IoDesc.class,
                    ParamBasic.class,
                    ParamDevt.class,
                    ParamDiscard.class,
                    ParamDmaAlign.class,
                    ParamIntegrity.class,
                    ParamSegment.class,
                    ParamZoned.class,
                    Params.class,
                    ShmemBufReg.class,
                    Zone.class);

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
