package dev.ublk4j.uapi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.uapi.wire.AutoBufRegLayout;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uapi.wire.ShmemAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.SequenceLayout;
import java.lang.foreign.UnionLayout;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Compares constants, layouts, accessors and encodings with what the C compiler printed. */
class HeaderParityTest {
    private static final int GUARD = 8;

    static Stream<Fixture.Constant> constants() {
        return Fixture.constants();
    }

    static Stream<Fixture.Structure> structures() {
        return Fixture.structures();
    }

    static Stream<Fixture.Member> members() {
        return Fixture.members();
    }

    static Stream<Fixture.Member> scalars() {
        return members().filter(member -> !place(member.structure(), member.name()).isArray());
    }

    static Stream<Fixture.Sample> samples() {
        return Fixture.samples();
    }

    @Test
    void theHeaderAndJavaNameTheSameConstants() {
        assertThat(Fixture.javaConstants())
                .containsOnlyKeys(
                        constants().map(Fixture.Constant::name).distinct().toArray(String[]::new));
    }

    @Test
    void theHeaderAndJavaNameTheSameStructures() {
        assertThat(Fixture.javaStructures())
                .containsOnlyKeys(structures().map(Fixture.Structure::name).toArray(String[]::new));
    }

    @Test
    void everyFeatureParameterAndCommandOfTheHeaderHasAnEnumConstant() {
        List<String> names = new ArrayList<>();
        for (Feature feature : Feature.values()) {
            names.add(feature.cName());
        }
        for (ControlCommand command : ControlCommand.values()) {
            names.add(command.cName());
        }

        assertThat(names)
                .containsExactlyInAnyOrderElementsOf(
                        constants()
                                .map(Fixture.Constant::name)
                                .filter(name -> name.matches("UBLK_(F|U_CMD)_.*"))
                                .toList());
    }

    @ParameterizedTest
    @MethodSource("constants")
    void aConstantHasTheValueOfTheHeader(Fixture.Constant constant) throws Exception {
        Field field =
                Objects.requireNonNull(
                        Fixture.javaConstants().get(constant.name()), constant.name());

        if (field.getType() == int.class) {
            assertThat(field.getInt(null)).isEqualTo((int) constant.value());
            assertThat(constant.value() >>> 32).as("fits an int").isIn(0L, 0xffff_ffffL);
        } else {
            assertThat(field.getLong(null)).isEqualTo(constant.value());
        }
    }

    @ParameterizedTest
    @MethodSource("structures")
    void aStructureHasTheSizeOfTheHeader(Fixture.Structure structure) throws Exception {
        Class<?> type = Objects.requireNonNull(Fixture.javaStructures().get(structure.name()));

        assertThat(Fixture.layout(type).byteSize()).isEqualTo(structure.size());
        assertThat(Fixture.layout(type).byteAlignment()).isEqualTo(structure.alignment());
        assertThat(type.getDeclaredField("SIZE").getInt(null)).isEqualTo((int) structure.size());
    }

    @ParameterizedTest
    @MethodSource("structures")
    void aStructureHasTheMembersOfTheHeaderAndNoOthers(Fixture.Structure structure) {
        assertThat(memberLayouts(structure.name()))
                .containsOnlyKeys(
                        members()
                                .filter(member -> member.structure().equals(structure.name()))
                                .map(Fixture.Member::name)
                                .toArray(String[]::new));
    }

    /** The C program lists members by hand; one that it forgot would leave a hole. */
    @ParameterizedTest
    @MethodSource("structures")
    void membersLeaveNoHoleButForAlignment(Fixture.Structure structure) {
        List<Fixture.Member> members =
                members().filter(member -> member.structure().equals(structure.name())).toList();
        long end = 0;
        for (Fixture.Member member : members) {
            if (member.offset() > end) {
                long alignment = place(structure.name(), member.name()).layout().byteAlignment();
                assertThat(member.offset() - end).as(member.toString()).isLessThan(alignment);
            }
            end = Math.max(end, member.offset() + member.size());
        }

        assertThat(structure.size()).isEqualTo(end);
    }

    @ParameterizedTest
    @MethodSource("members")
    void aMemberHasTheOffsetAndSizeOfTheHeader(Fixture.Member member) {
        Place place = place(member.structure(), member.name());

        assertThat(place.offset()).isEqualTo(member.offset());
        assertThat(place.layout().byteSize()).isEqualTo(member.size());
    }

    @ParameterizedTest
    @MethodSource("scalars")
    void anAccessorReachesTheBytesOfItsMemberAndNoOthers(Fixture.Member member) throws Exception {
        Class<?> type = Objects.requireNonNull(Fixture.javaStructures().get(member.structure()));
        Class<?> carrier = member.size() == Long.BYTES ? long.class : int.class;
        Object ones = carrier == long.class ? (Object) Long.valueOf(-1) : Integer.valueOf(-1);
        String name = accessorName(member.name());
        Method setter = type.getDeclaredMethod(name, MemorySegment.class, long.class, carrier);
        Method getter = type.getDeclaredMethod(name, MemorySegment.class, long.class);
        long size = Fixture.layout(type).byteSize();

        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(size + 2 * GUARD, Long.BYTES);
            setter.invoke(null, segment, (long) GUARD, ones);

            MemorySegment expected = arena.allocate(size + 2 * GUARD, Long.BYTES);
            expected.asSlice(GUARD + member.offset(), member.size()).fill((byte) 0xff);
            assertThat(segment.mismatch(expected)).as("first wrong byte").isEqualTo(-1);
            long value =
                    ((Number) Objects.requireNonNull(getter.invoke(null, segment, (long) GUARD)))
                            .longValue();
            assertThat(value)
                    .isEqualTo(
                            member.size() < Integer.BYTES
                                    ? (1L << (member.size() * Byte.SIZE)) - 1
                                    : -1);
        }
    }

    @ParameterizedTest
    @MethodSource("samples")
    void anEncodingAnswersWhatTheHeaderAnswers(Fixture.Sample sample) {
        assertThat(encoded(sample)).isEqualTo(sample.result());
    }

    private static long encoded(Fixture.Sample sample) {
        long a = sample.a();
        int first = (int) a;
        int second = (int) sample.b();
        return switch (sample.function()) {
            case "ublk_shmem_zc_addr" -> ShmemAddress.of(first, sample.b());
            case "ublk_shmem_zc_index" -> ShmemAddress.index(a);
            case "ublk_shmem_zc_offset" -> ShmemAddress.offset(a);
            case "ublk_auto_buf_reg_to_sqe_addr" -> AutoBufRegLayout.sqeAddress(first, second);
            case "ublk_sqe_addr_to_auto_buf_reg.index" -> AutoBufRegLayout.index(a);
            case "ublk_sqe_addr_to_auto_buf_reg.flags" -> AutoBufRegLayout.flags(a);
            case "ublk_sqe_addr_to_auto_buf_reg.reserved0" ->
                    AutoBufRegLayout.reserved(a) >>> 24 & 0xff;
            case "ublk_sqe_addr_to_auto_buf_reg.reserved1" -> AutoBufRegLayout.reserved(a) >>> 32;
            case "ublksrv_get_op" -> withDescriptor(first, IoDescLayout::op);
            // The header shifts flags down, ours stay where the header's constants have them.
            case "ublksrv_get_flags" -> withDescriptor(first, IoDescLayout::flags) >>> 8;
            case "data_offset" -> BufferOffset.of(first, second, sample.c());
            case "integrity_offset" -> BufferOffset.ofIntegrity(first, second, sample.c());
            default -> throw new AssertionError("no counterpart of " + sample.function());
        };
    }

    private static long withDescriptor(int opFlags, Read read) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(IoDescLayout.LAYOUT);
            IoDescLayout.write(segment, 0, opFlags, 8, 0, 0);
            return Integer.toUnsignedLong(read.read(segment, 0));
        }
    }

    private interface Read {
        int read(MemorySegment segment, long base);
    }

    private record Place(long offset, MemoryLayout layout) {
        /** Whether the member has no accessor: nested structures and padding bytes. */
        boolean isArray() {
            return layout instanceof GroupLayout
                    || (layout instanceof SequenceLayout sequence && sequence.elementCount() > 1);
        }
    }

    private static Map<String, Place> memberLayouts(String structure) {
        Class<?> type = Objects.requireNonNull(Fixture.javaStructures().get(structure), structure);
        Map<String, Place> places = new HashMap<>();
        collect(Fixture.layout(type), 0, places);
        return places;
    }

    private static void collect(GroupLayout group, long base, Map<String, Place> places) {
        long offset = base;
        for (MemoryLayout member : group.memberLayouts()) {
            if (member instanceof UnionLayout union) {
                collect(union, offset, places);
            } else if (!(member instanceof PaddingLayout)) {
                places.put(member.name().orElseThrow(), new Place(offset, member));
            }
            offset += group instanceof UnionLayout ? 0 : member.byteSize();
        }
    }

    private static Place place(String structure, String member) {
        return Objects.requireNonNull(memberLayouts(structure).get(member), member);
    }

    private static String accessorName(String member) {
        StringBuilder name = new StringBuilder();
        for (String word : member.split("_", -1)) {
            name.append(
                    name.isEmpty()
                            ? word
                            : Character.toUpperCase(word.charAt(0)) + word.substring(1));
        }
        return name.toString();
    }
}
