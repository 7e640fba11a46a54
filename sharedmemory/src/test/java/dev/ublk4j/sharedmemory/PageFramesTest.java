package dev.ublk4j.sharedmemory;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Mapping;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PageFramesTest {
    private static final int PAGES = 64;
    private static final long LENGTH = (long) PAGES * Pages.SIZE;

    enum Source {
        REAL,
        SYNTHETIC;

        PageFrames open() {
            if (this == SYNTHETIC) {
                return PageFrames.synthetic();
            }
            assumeTrue(RealFrames.PERMITTED, "the process may see real frames");
            return PageFrames.real();
        }
    }

    @ParameterizedTest
    @EnumSource
    void twoMappingsOfOneMemoryHaveTheSameFrames(Source source) {
        try (PageFrames frames = source.open();
                PagePins pins = PagePins.open();
                SharedMemory memory = SharedMemory.create("test", LENGTH);
                Arena arena = Arena.ofConfined()) {
            MemorySegment one = memory.map(arena, false);
            MemorySegment other = memory.map(arena, true);
            pins.pin(one.address(), LENGTH, true);

            assertThat(read(frames, other, PAGES)).isEqualTo(read(frames, one, PAGES));
            assertThat(one.address()).isNotEqualTo(other.address());
        }
    }

    @ParameterizedTest
    @EnumSource
    void aPartialMappingHasTheFramesOfItsPart(Source source) {
        try (PageFrames frames = source.open();
                PagePins pins = PagePins.open();
                SharedMemory memory = SharedMemory.create("test", LENGTH);
                Arena arena = Arena.ofConfined()) {
            MemorySegment all = memory.map(arena, false);
            MemorySegment part = memory.map(arena, 5L * Pages.SIZE, 3L * Pages.SIZE, false);
            pins.pin(all.address(), LENGTH, true);

            assertThat(read(frames, part, 3))
                    .isEqualTo(read(frames, all.asSlice(5L * Pages.SIZE), 3));
        }
    }

    @ParameterizedTest
    @EnumSource
    void differentMemoriesHaveDifferentFrames(Source source) {
        try (PageFrames frames = source.open();
                SharedMemory memory = SharedMemory.create("test", LENGTH);
                SharedMemory another = SharedMemory.create("test", LENGTH);
                Arena arena = Arena.ofConfined()) {
            MemorySegment anonymous = Mapping.anonymous(LENGTH, Mapping.MAP_PRIVATE, arena);
            MemorySegment sharedAnonymous = Mapping.anonymous(LENGTH, Mapping.MAP_SHARED, arena);
            Set<Long> seen = new HashSet<>();
            for (MemorySegment segment :
                    List.of(
                            memory.map(arena, false),
                            another.map(arena, false),
                            anonymous,
                            sharedAnonymous)) {
                for (long frame : read(frames, segment, PAGES)) {
                    assertThat(frame).isBetween(1L, (1L << 52) - 1);
                    seen.add(frame);
                }
            }

            assertThat(seen).hasSize(4 * PAGES);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aPrivateCopyIsNotTheMemoryItWasCopiedFrom(Source source) {
        try (PageFrames frames = source.open();
                SharedMemory memory = SharedMemory.create("test", LENGTH);
                Arena arena = Arena.ofConfined()) {
            MemorySegment shared = memory.map(arena, false);
            MemorySegment copy =
                    Mapping.map(
                            memory.fd(),
                            0,
                            LENGTH,
                            Mapping.PROT_READ | Mapping.PROT_WRITE,
                            Mapping.MAP_PRIVATE,
                            arena);

            assertThat(read(frames, copy, PAGES)).doesNotContain(read(frames, shared, PAGES));
        }
    }

    @ParameterizedTest
    @EnumSource
    void rangesAreTheFramesPutTogether(Source source) {
        try (PageFrames frames = source.open();
                PagePins pins = PagePins.open();
                SharedMemory memory = SharedMemory.create("test", LENGTH);
                Arena arena = Arena.ofConfined()) {
            MemorySegment mapped = memory.map(arena, false);
            pins.pin(mapped.address(), LENGTH, true);
            List<FrameRange> ranges = frames.ranges(mapped.address(), LENGTH);

            List<Long> expanded = new ArrayList<>();
            for (FrameRange range : ranges) {
                assertThat(range.offset()).isEqualTo((long) expanded.size() * Pages.SIZE);
                for (long frame = range.firstFrame(); frame <= range.lastFrame(); frame++) {
                    expanded.add(frame);
                }
            }
            assertThat(expanded).containsExactly(boxed(read(frames, mapped, PAGES)));
            for (int i = 1; i < ranges.size(); i++) {
                assertThat(ranges.get(i).firstFrame())
                        .as("what joins is joined")
                        .isNotEqualTo(ranges.get(i - 1).lastFrame() + 1);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aRangeThatBeginsAndEndsWithinPagesCoversThemWhole(Source source) {
        try (PageFrames frames = source.open();
                SharedMemory memory = SharedMemory.create("test", LENGTH);
                Arena arena = Arena.ofConfined()) {
            long address = memory.map(arena, false).address();

            List<FrameRange> ranges = frames.ranges(address + 512, 2L * Pages.SIZE);

            assertThat(ranges.stream().mapToLong(FrameRange::pages).sum()).isEqualTo(3);
            assertThat(frames.ranges(address, 0)).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void hugePagesMakeFewRanges(Source source) throws IOException {
        try (HugePages pool = HugePages.reserve(4);
                PageFrames frames = source.open();
                SharedMemory memory =
                        SharedMemory.createHuge("test", 4 * HugePages.SIZE, HugePages.SIZE);
                Arena arena = Arena.ofConfined()) {
            assertThat(pool).isNotNull();
            MemorySegment one = memory.map(arena, false);
            MemorySegment other = memory.map(arena, false);

            List<FrameRange> ranges = frames.ranges(one.address(), one.byteSize());

            assertThat(ranges).hasSizeBetween(1, source == Source.REAL ? 4 : 1);
            assertThat(ranges)
                    .allSatisfy(range ->
                            assertThat(range.pages() % (HugePages.SIZE >> Pages.SHIFT)).isZero());
            assertThat(frames.ranges(other.address(), other.byteSize())).isEqualTo(ranges);
        }
    }

    @ParameterizedTest
    @EnumSource
    void wildAddressesHaveNoFrames(Source source) {
        long[] into = new long[2];
        try (PageFrames frames = source.open();
                Arena arena = Arena.ofConfined()) {
            for (long wild : new long[] {0, Pages.SIZE, 0x7fff_ffff_f000L, 1L << 60, -1L << 12}) {
                assertThat(frames.read(wild, 1, into))
                        .as("0x%x", wild)
                        .isEqualTo(Errno.EFAULT.negated());
            }
            long end = endOfMapping(arena);
            assertThat(frames.read(end - Pages.SIZE, 1, into)).isZero();
            assertThat(frames.read(end - Pages.SIZE, 2, into)).isEqualTo(Errno.EFAULT.negated());
            SharedMemoryTest.assertThatErrno(
                    Errno.EFAULT, () -> frames.ranges(end - Pages.SIZE, 2L * Pages.SIZE));
        }
    }

    /** An address that is not mapped, right after one that is. */
    static long endOfMapping(Arena arena) {
        MemorySegment first = Mapping.anonymous(4L * Pages.SIZE, Mapping.MAP_PRIVATE, arena);
        long end;
        try (Arena hole = Arena.ofConfined()) {
            // The kernel maps downwards: the new mapping ends where the older one begins, or the
            // other way round; either way it leaves a hole when it goes.
            MemorySegment second = Mapping.anonymous(4L * Pages.SIZE, Mapping.MAP_PRIVATE, hole);
            MemorySegment third = Mapping.anonymous(4L * Pages.SIZE, Mapping.MAP_PRIVATE, arena);
            assumeTrue(
                    third.address() + third.byteSize() == second.address()
                            || first.address() + first.byteSize() == second.address(),
                    "mappings are next to each other");
            end = second.address();
        }
        return end;
    }

    @Test
    void aSharedFileIsOneRangeHoweverLarge() {
        long length = 3L * PageFrames.PAGES_AT_ONCE * Pages.SIZE + Pages.SIZE;
        try (PageFrames frames = PageFrames.synthetic();
                SharedMemory memory = SharedMemory.create("test", length);
                Arena arena = Arena.ofConfined()) {
            MemorySegment mapped = memory.map(arena, true);

            assertThat(frames.ranges(mapped.address(), length))
                    .singleElement()
                    .satisfies(range -> {
                        assertThat(range.pages()).isEqualTo(length >> Pages.SHIFT);
                        assertThat(range.offset()).isZero();
                    });
        }
    }

    @Test
    void partsOfAFileBeyondOneStretchKeepTheirFrames() {
        long stretch = (1L << 28) * Pages.SIZE;
        try (PageFrames frames = PageFrames.synthetic();
                PageFrames others = PageFrames.synthetic();
                SharedMemory memory = SharedMemory.create("test", stretch + 4L * Pages.SIZE);
                Arena arena = Arena.ofConfined()) {
            MemorySegment one = memory.map(arena, stretch - 4L * Pages.SIZE, 8L * Pages.SIZE, true);
            MemorySegment other = memory.map(arena, stretch, 4L * Pages.SIZE, true);
            long[] all = read(frames, one, 8);

            assertThat(all).doesNotHaveDuplicates();
            assertThat(read(others, one, 8)).isEqualTo(all);
            assertThat(read(others, other, 4)).containsExactly(all[4], all[5], all[6], all[7]);
        }
    }

    @Test
    void syntheticFramesOfPrivateMemoryAreItsAddress() {
        try (PageFrames frames = PageFrames.synthetic();
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = Mapping.anonymous(LENGTH, Mapping.MAP_PRIVATE, arena);

            assertThat(frames.ranges(memory.address(), LENGTH))
                    .containsExactly(new FrameRange(memory.address() >>> Pages.SHIFT, PAGES, 0));
        }
    }

    @Test
    void whichFramesAreOpenedSaysTheProcess() {
        try (PageFrames frames = PageFrames.open()) {
            assertThat(frames.isReal()).isEqualTo(RealFrames.PERMITTED);
        }
    }

    @Test
    void realFramesOfUntouchedMemoryAreSupplied() {
        try (PageFrames frames = Source.REAL.open();
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = Mapping.anonymous(LENGTH, Mapping.MAP_PRIVATE, arena);

            long[] found = read(frames, memory, PAGES);

            assertThat(found).doesNotHaveDuplicates().doesNotContain(0);
            assertThat(memory.get(JAVA_BYTE, LENGTH - 1)).isZero();
        }
    }

    @Test
    void aMappingIsFoundAlikeByQueryAndInTheText() {
        try (MemoryMap map = new MemoryMap();
                SharedMemory memory = SharedMemory.create("test", LENGTH);
                Arena arena = Arena.ofConfined()) {
            MemorySegment shared = memory.map(arena, 2L * Pages.SIZE, Pages.SIZE, true);
            MemorySegment anonymous = Mapping.anonymous(LENGTH, Mapping.MAP_PRIVATE, arena);

            for (long address :
                    new long[] {
                        shared.address(), shared.address() + 17, anonymous.address(), Pages.SIZE
                    }) {
                assertThat(MemoryMap.findInText(address)).isEqualTo(map.find(address));
            }
            MemoryMap.Area area = map.find(shared.address());
            assertThat(area)
                    .isEqualTo(
                            new MemoryMap.Area(
                                    shared.address(),
                                    shared.address() + Pages.SIZE,
                                    true,
                                    true,
                                    2L * Pages.SIZE,
                                    memory.identity()));
        }
    }

    private static long[] read(PageFrames frames, MemorySegment memory, int pages) {
        long[] into = new long[pages];
        assertThat(frames.read(memory.address(), pages, into)).isZero();
        return into;
    }

    private static Long[] boxed(long[] numbers) {
        return Arrays.stream(numbers).boxed().toArray(Long[]::new);
    }
}
