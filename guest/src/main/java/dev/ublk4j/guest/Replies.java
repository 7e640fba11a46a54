package dev.ublk4j.guest;

import dev.ublk4j.linux.Deadline;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What a guest answers, line by line. One thread listens, another takes. */
final class Replies {
    /** Stands for the end of the lines. */
    private static final String END = "";

    /** One question is open at a time; what comes without one is dropped when there is more. */
    private static final int MOST = 16;

    private final BlockingQueue<String> lines = new ArrayBlockingQueue<>(MOST);
    private volatile boolean ended;

    /**
     * Listens until the other side has closed the stream.
     *
     * @param longest bytes of a line; the rest of longer ones is dropped
     * @param isReply sees each line, and says whether it is to be kept
     */
    void listen(InputStream stream, int longest, Predicate<String> isReply) {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        try (BufferedInputStream input = new BufferedInputStream(stream)) {
            for (int next = input.read(); next >= 0; next = input.read()) {
                if (next != '\n') {
                    if (line.size() < longest) {
                        line.write(next);
                    }
                    continue;
                }
                String text = line.toString(StandardCharsets.UTF_8);
                line.reset();
                if (isReply.test(text)) {
                    boolean _ = lines.offer(text);
                }
            }
        } catch (IOException _) {
            // The guest has ended, and its pipe with it.
        } finally {
            ended = true;
            lines.clear();
            boolean _ = lines.offer(END);
        }
    }

    /** {@return whether no more lines come} */
    boolean hasEnded() {
        return ended;
    }

    /** {@return the next line, empty when there are no more, or null when none comes in time} */
    @Nullable String take(Deadline deadline) throws InterruptedException {
        if (ended) {
            return END;
        }
        return lines.poll(deadline.leftNanos(), TimeUnit.NANOSECONDS);
    }
}
