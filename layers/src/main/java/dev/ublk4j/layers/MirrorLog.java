package dev.ublk4j.layers;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link Mirror} has to know of its legs when it is opened the next time: which have failed,
 * so that what they hold is old, and whether it was closed in order.
 *
 * <p>Without a file it forgets all that: every leg then counts as in step at the next start.
 */
public final class MirrorLog implements AutoCloseable {
    private static final String MAGIC = "ublk4j mirror 1";

    /** The file's size. It is written in place, with one write of one sector. */
    private static final int BYTES = 512;

    private final @Nullable Path path;
    private final @Nullable OwnedFile file;
    private final BitSet failed = new BitSet();
    private boolean wasOpen;
    private boolean open;

    private MirrorLog(@Nullable Path path, @Nullable OwnedFile file) {
        this.path = path;
        this.file = file;
    }

    /** {@return a log that lasts as long as the mirror} */
    public static MirrorLog inMemory() {
        return new MirrorLog(null, null);
    }

    /**
     * {@return the log in a file, which is made when it is not there, and locked}
     *
     * @throws IOException when it cannot be read and written, is something else, or in use
     */
    public static MirrorLog inFile(Path path) throws IOException {
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw notALog(path);
        }
        OwnedFile file = OwnedFile.open(path, "the log of a mirror");
        try {
            MirrorLog log = new MirrorLog(path, file);
            log.read(path, file.channel());
            return log;
        } catch (Throwable e) {
            file.close();
            throw e;
        }
    }

    private static IOException notALog(Path file) {
        return new IOException(file + " is not the log of a mirror");
    }

    private void read(Path name, FileChannel channel) throws IOException {
        if (channel.size() == 0) {
            return;
        }
        if (channel.size() > BYTES) {
            throw notALog(name);
        }
        ByteBuffer bytes = ByteBuffer.allocate((int) channel.size());
        while (bytes.hasRemaining() && channel.read(bytes, bytes.position()) > 0) {
            // A read may be short.
        }
        String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.ISO_8859_1);
        List<String> lines = text.lines().filter(line -> !line.isEmpty()).toList();
        if (lines.isEmpty() || !lines.getFirst().equals(MAGIC)) {
            throw notALog(name);
        }
        if (lines.size() < 2 || !lines.get(1).matches("open|closed")) {
            throw new IOException(name + " does not say whether its mirror was closed");
        }
        wasOpen = lines.get(1).equals("open");
        for (String line : lines.subList(2, lines.size())) {
            if (!line.matches("failed [1-9]\\d{0,3}")) {
                throw new IOException("%s says \"%s\", which no mirror does".formatted(name, line));
            }
            failed.set(Integer.parseInt(line.substring("failed ".length())) - 1);
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
        if (file == null) {
            return;
        }
        StringBuilder text = new StringBuilder(MAGIC).append('\n');
        text.append(open ? "open\n" : "closed\n");
        failed.stream().forEach(leg -> text.append("failed ").append(leg + 1).append('\n'));
        if (text.length() > BYTES) {
            throw new IOException("%s has no room for so many targets".formatted(path));
        }
        text.append("\n".repeat(BYTES - text.length()));
        file.keep();
        FileChannel channel = file.channel();
        ByteBuffer bytes = StandardCharsets.ISO_8859_1.encode(text.toString());
        while (bytes.hasRemaining()) {
            int _ = channel.write(bytes, bytes.position());
        }
        channel.force(true);
    }

    /** Lets go of the file, which is deleted where it was made and no mirror has come of it. */
    @Override
    public void close() throws IOException {
        if (file != null) {
            file.close();
        }
    }
}
