package dev.ublk4j.layers;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link Mirror} has to know of its legs when it is opened the next time: which have failed,
 * so that what they hold is old, and whether it was closed in order.
 *
 * <p>Without a file it forgets all that: every leg then counts as in step at the next start.
 */
public final class MirrorLog {
    private static final String MAGIC = "ublk4j mirror 1";

    /** More than any log has: a file that is longer is not read to find that out. */
    private static final long MOST_BYTES = 64 << 10;

    private final @Nullable Path path;
    private final BitSet failed = new BitSet();
    private boolean wasOpen;
    private boolean open;

    private MirrorLog(@Nullable Path path) {
        this.path = path;
    }

    /** {@return a log that lasts as long as the mirror} */
    public static MirrorLog inMemory() {
        return new MirrorLog(null);
    }

    /**
     * {@return the log in a file, which is made when it is not there}
     *
     * @throws IOException when it cannot be read, or is something else
     */
    public static MirrorLog inFile(Path path) throws IOException {
        MirrorLog log = new MirrorLog(path);
        if (Files.exists(path)) {
            if (!Files.isRegularFile(path) || Files.size(path) > MOST_BYTES) {
                throw notALog(path);
            }
            String text = new String(Files.readAllBytes(path), StandardCharsets.ISO_8859_1);
            log.read(path, text.lines().toList());
        }
        return log;
    }

    private static IOException notALog(Path file) {
        return new IOException(file + " is not the log of a mirror");
    }

    private void read(Path file, List<String> lines) throws IOException {
        if (lines.isEmpty() || !lines.getFirst().equals(MAGIC)) {
            throw notALog(file);
        }
        for (String line : lines.subList(1, lines.size())) {
            if (line.equals("open")) {
                wasOpen = true;
            } else if (line.matches("failed [1-9]\\d{0,3}")) {
                failed.set(Integer.parseInt(line.substring("failed ".length())) - 1);
            } else if (!line.equals("closed")) {
                throw new IOException("%s says \"%s\", which no mirror does".formatted(file, line));
            }
        }
    }

    /** {@return whether a leg has failed and not been brought back in step} */
    synchronized boolean hasFailed(int leg) {
        return failed.get(leg);
    }

    /** {@return whether the mirror was not closed the last time, so that its legs may differ} */
    boolean wasOpen() {
        return wasOpen;
    }

    /** {@return the highest leg that is named, from 1 on, or 0} */
    synchronized int legs() {
        return failed.length();
    }

    /** Notes, durably, that a leg has failed or is in step again. */
    synchronized void setFailed(int leg, boolean whether) throws IOException {
        failed.set(leg, whether);
        write();
    }

    /** Notes, durably, that the mirror is opened or closed. */
    synchronized void setOpen(boolean whether) throws IOException {
        open = whether;
        write();
    }

    private void write() throws IOException {
        if (path == null) {
            return;
        }
        StringBuilder text = new StringBuilder(MAGIC).append('\n');
        text.append(open ? "open\n" : "closed\n");
        failed.stream().forEach(leg -> text.append("failed ").append(leg + 1).append('\n'));
        Path next = path.resolveSibling(path.getFileName() + ".new");
        try (FileChannel file =
                FileChannel.open(
                        next,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.TRUNCATE_EXISTING)) {
            ByteBuffer bytes = StandardCharsets.UTF_8.encode(text.toString());
            while (bytes.hasRemaining()) {
                int _ = file.write(bytes);
            }
            file.force(true);
        }
        Files.move(next, path, StandardCopyOption.ATOMIC_MOVE);
        try (FileChannel folder = FileChannel.open(path.toAbsolutePath().getParent())) {
            folder.force(true);
        }
    }
}
