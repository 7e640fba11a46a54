package dev.ublk4j.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.nbd.wire.ExportInfo;
import dev.ublk4j.nbd.wire.Option;
import dev.ublk4j.server.ExactSize;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import dev.ublk4j.targets.MemoryTarget;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Exports whose size is no whole number of blocks. */
class UnevenExportTest {
    private static final int ENOSPC = 28;
    private static final int EINVAL = 22;

    @TempDir Path folder;

    /** Memory of which the first bytes count. */
    private static final class Uneven implements Target, ExactSize {
        private final Target whole;
        private final long size;

        Uneven(int blocks, long size) {
            this.whole = new MemoryTarget(blocks * 512L);
            this.size = size;
        }

        @Override
        public long exactSize() {
            return size;
        }

        @Override
        public Geometry geometry() {
            return whole.geometry();
        }

        @Override
        public TargetQueue open(Queue queue) {
            return whole.open(queue);
        }

        @Override
        public <A> @Nullable A ability(Class<A> type) {
            return type.isInstance(this) ? type.cast(this) : whole.ability(type);
        }

        @Override
        public void close() {
            whole.close();
        }
    }

    private Served served(Target target) {
        return Served.of(folder, NbdOptions.defaults(), target);
    }

    /** {@return size, and smallest block} */
    private static long[] sizes(Served served) throws IOException {
        try (NbdClient client = NbdClient.greeted(served.socket)) {
            ByteBuffer asked = NbdClient.named("");
            asked =
                    ByteBuffer.allocate(8)
                            .put(asked.flip())
                            .putShort((short) 1)
                            .putShort((short) ExportInfo.BLOCK_SIZE);
            List<NbdClient.Reply> replies = client.option(Option.INFO, asked);
            return new long[] {
                replies.get(0).data().getLong(Short.BYTES),
                replies.get(1).data().getInt(Short.BYTES)
            };
        }
    }

    @Test
    void theLastBytesAreReadAndWrittenAndNothingBehindThem() throws IOException {
        try (Served served = served(new Uneven(3, 1025));
                NbdClient client = NbdClient.inTransmission(served.socket)) {
            assertThat(sizes(served)).containsExactly(1025, 1);
            client.writeAt(1000, new byte[24]);
            client.writeAt(1023, (byte) 1, (byte) 2);
            assertThat(client.readAt(1020, 5)).containsExactly(0, 0, 0, 1, 2);
            assertThat(client.readAt(0, 1025)).endsWith(1, 2);

            assertThat(client.errorOf(Command.WRITE, 0, 1024, 2, new byte[2])).isEqualTo(ENOSPC);
            assertThat(client.errorOf(Command.READ, 0, 1025, 1)).isEqualTo(EINVAL);
            assertThat(client.errorOf(Command.READ, 0, 0, 1536)).isEqualTo(EINVAL);
            assertThat(client.errorOf(Command.WRITE_ZEROES, 0, 1024, 1)).isZero();
            assertThat(client.readAt(1023, 2)).containsExactly(1, 0);
            assertThat(client.errorOf(Command.TRIM, 0, 1, 1024)).isZero();
            assertThat(client.errorOf(Command.FLUSH, 0, 0, 0)).isZero();
        }
    }

    @Test
    void theBlockStatusGoesToTheEnd() throws IOException {
        try (Served served = served(new Uneven(3, 1025));
                NbdClient client = NbdClient.inTransmission(served.socket)) {
            client.writeAt(0, (byte) 1);
            client.send(Command.BLOCK_STATUS, 0, 0, 1025);
            ByteBuffer extents = client.receive(0).data().position(Integer.BYTES);
            long described = 0;
            while (extents.hasRemaining()) {
                described += extents.getInt();
                int _ = extents.getInt();
            }
            assertThat(described).isEqualTo(1025);
        }
    }

    @Test
    void anEmptyExportHasNothingToRead() throws IOException {
        try (Served served = served(new Uneven(1, 0));
                NbdClient client = NbdClient.inTransmission(served.socket)) {
            assertThat(sizes(served)).containsExactly(0, 1);
            assertThat(client.errorOf(Command.READ, 0, 0, 1)).isEqualTo(EINVAL);
            assertThat(client.errorOf(Command.WRITE, 0, 0, 1, (byte) 1)).isEqualTo(ENOSPC);
            assertThat(client.errorOf(Command.FLUSH, 0, 0, 0)).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({"512, 1", "1024, 1024", "4096, 4096"})
    void blocksOfSectorsAreNotToldAndLargerOnesAre(int block, int told) throws IOException {
        try (Served served = served(new Blocks(block))) {
            assertThat(sizes(served)).containsExactly(8192, told);
        }
    }

    /** Memory with blocks of some size. */
    private static final class Blocks implements Target {
        private final Target memory = new MemoryTarget(8192);
        private final int block;

        Blocks(int block) {
            this.block = block;
        }

        @Override
        public Geometry geometry() {
            return memory.geometry().withBlockSize(block);
        }

        @Override
        public TargetQueue open(Queue queue) {
            return memory.open(queue);
        }

        @Override
        public void close() {
            memory.close();
        }
    }
}
