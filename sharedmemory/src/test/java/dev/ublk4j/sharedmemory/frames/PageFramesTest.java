package dev.ublk4j.sharedmemory.frames;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharedmemory.SharedMemoryTest;
import dev.ublk4j.sharedmemory.process.MappedArea;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PageFramesTest {
    private static final int PAGES = 64;
    private static final long LENGTH = (long) PAGES * Pages.SIZE;

    @Test
    void twoMappingsOfOneMemoryHaveTheSameFrames() {
        try (PageFrames frames = PageFrames.synthetic();
                SharedMemory memory = SharedMemory.create("test", LENGTH);
                Arena arena = Arena.ofConfined()) {
            MemorySegment one = memory.map(arena, false);
            MemorySegment other = memory.map(arena, true);

            assertThat(read(frames, other, PAGES)).isEqualTo(read(frames, one, PAGES));
            assertThat(one.address()).isNotEqualTo(other.address());
        }
    }

    @Test
    void aPartialMappingHasTheFramesOfItsPart() {
        try (PageFrames frames = PageFrames.synthetic();
                SharedMemory memory = SharedMemory.create("test", LENGTH);
                Arena arena = Arena.ofConfined()) {
            MemorySegment all = memory.map(arena, false);
            MemorySegment part = memory.map(arena, 5L * Pages.SIZE, 3L * Pages.SIZE, false);

            assertThat(read(frames, part, 3))
                    .isEqualTo(read(frames, all.asSlice(5L * Pages.SIZE), 3));
        }
    }

    @Test
    void differentMemoriesHaveDifferentFrames() {
        try (PageFrames frames = PageFrames.synthetic();
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

    @Test
    void aPrivateCopyIsNotTheMemoryItWasCopiedFrom() {
        try (PageFrames frames = PageFrames.synthetic();
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

    @Test
    void rangesAreTheFramesPutTogether() {
        try (PageFrames frames = PageFrames.synthetic();
                SharedMemory memory = SharedMemory.create("test", LENGTH);
                Arena arena = Arena.ofConfined()) {
            MemorySegment mapped = memory.map(arena, false);
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

    @Test
    void aRangeThatBeginsAndEndsWithinPagesCoversThemWhole() {
        try (PageFrames frames = PageFrames.synthetic();
                SharedMemory memory = SharedMemory.create("test", LENGTH);
                Arena arena = Arena.ofConfined()) {
            long address = memory.map(arena, false).address();

            List<FrameRange> ranges = frames.ranges(address + 512, 2L * Pages.SIZE);

            assertThat(ranges.stream().mapToLong(FrameRange::pages).sum()).isEqualTo(3);
            assertThat(frames.ranges(address, 0)).isEmpty();
        }
    }

    @Test
    void hugePagesMakeFewRanges() throws IOException {
        try (HugePages pool = HugePages.reserve(4);
                PageFrames frames = PageFrames.synthetic();
                SharedMemory memory =
                        SharedMemory.createHuge("test", 4 * HugePages.SIZE, HugePages.SIZE);
                Arena arena = Arena.ofConfined()) {
            assertThat(pool).isNotNull();
            MemorySegment one = memory.map(arena, false);
            MemorySegment other = memory.map(arena, false);

            List<FrameRange> ranges = frames.ranges(one.address(), one.byteSize());

            assertThat(ranges).hasSize(1);
            assertThat(ranges)
                    .allSatisfy(range ->
                            assertThat(range.pages() % (HugePages.SIZE >> Pages.SHIFT)).isZero());
            assertThat(frames.ranges(other.address(), other.byteSize())).isEqualTo(ranges);
        }
    }

    @Test
    void whoWantsToWriteGetsNoFramesOfWhatIsReadOnly() {
        long[] into = new long[PAGES];
        try (PageFrames frames = PageFrames.synthetic();
                SharedMemory memory = SharedMemory.create("test", LENGTH);
                Arena arena = Arena.ofConfined()) {
            long readOnly = memory.map(arena, true).address();
            long writable = memory.map(arena, false).address();

            assertThat(frames.read(readOnly, PAGES, true, into)).isEqualTo(Errno.EFAULT.negated());
            assertThat(frames.read(readOnly, PAGES, false, into)).isZero();
            assertThat(frames.read(writable, PAGES, true, into)).isZero();
            SharedMemoryTest.assertThatErrno(
                    Errno.EFAULT, () -> frames.ranges(readOnly, LENGTH, true));
        }
    }

    @Test
    void filesBeyondTheLastNumberAreKnownByAddress() {
        try (PageFrames frames = PageFrames.numberedBy(new StretchNumbers(1));
                SharedMemory first = SharedMemory.create("first", LENGTH);
                SharedMemory second = SharedMemory.create("second", LENGTH);
                Arena arena = Arena.ofConfined()) {
            long[] known = read(frames, first.map(arena, false), PAGES);
            MemorySegment one = second.map(arena, false);
            MemorySegment other = second.map(arena, false);

            assertThat(read(frames, one, 1)).containsExactly(one.address() >>> Pages.SHIFT);
            assertThat(read(frames, other, 1)).containsExactly(other.address() >>> Pages.SHIFT);
            assertThat(read(frames, first.map(arena, true), PAGES)).isEqualTo(known);
        }
    }

    @Test
    void wildAddressesHaveNoFrames() {
        long[] into = new long[2];
        try (PageFrames frames = PageFrames.synthetic();
                Arena arena = Arena.ofConfined()) {
            for (long wild : new long[] {0, Pages.SIZE, 0x7fff_ffff_f000L, 1L << 60, -1L << 12}) {
                assertThat(frames.read(wild, 1, false, into))
                        .as("0x%x", wild)
                        .isEqualTo(Errno.EFAULT.negated());
            }
            long end = endOfMapping(arena);
            assertThat(frames.read(end - Pages.SIZE, 1, false, into)).isZero();
            assertThat(frames.read(end - Pages.SIZE, 2, false, into))
                    .isEqualTo(Errno.EFAULT.negated());
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
    void aMappingIsFoundAlikeByQueryAndInTheText() {
        try (MemoryMap map = new MemoryMap();
                SharedMemory memory = SharedMemory.create("t\u00e4st", LENGTH);
                Arena arena = Arena.ofConfined()) {
            MemorySegment shared = memory.map(arena, 2L * Pages.SIZE, Pages.SIZE, true);
            MemorySegment anonymous = Mapping.anonymous(LENGTH, Mapping.MAP_PRIVATE, arena);

            for (long address :
                    new long[] {
                        shared.address(), shared.address() + 17, anonymous.address(), Pages.SIZE
                    }) {
                assertThat(MemoryMap.findInText(address)).isEqualTo(map.find(address));
            }
            MappedArea area = map.find(shared.address());
            assertThat(area)
                    .isEqualTo(
                            new MappedArea(
                                    shared.address(),
                                    shared.address() + Pages.SIZE,
                                    true,
                                    false,
                                    true,
                                    2L * Pages.SIZE,
                                    memory.identity(),
                                    "/memfd:t\u00e4st (deleted)"));
        }
    }

    private static long[] read(PageFrames frames, MemorySegment memory, int pages) {
        long[] into = new long[pages];
        assertThat(frames.read(memory.address(), pages, false, into)).isZero();
        return into;
    }

    private static Long[] boxed(long[] numbers) {
        return Arrays.stream(numbers).boxed().toArray(Long[]::new);
    }
}
