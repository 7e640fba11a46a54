package dev.ublk4j.guest;

import dev.ublk4j.linux.Deadline;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Passes on what programs in a guest mark, and keeps what the receiver throws for whoever asks
 * next. One thread passes on, any thread asks.
 */
final class Marks {
    private static final System.Logger LOG = System.getLogger(Marks.class.getName());

    /** How long the receiver may take for a mark when the guest has ended. */
    private static final Duration LIMIT = Duration.ofSeconds(1);

    private final Consumer<String> receiver;
    private volatile @Nullable Throwable thrown;

    /** Until when the receiver may take, null while it is not called. */
    private volatile @Nullable Deadline receiving;

    private volatile boolean isOver;

    Marks(Consumer<String> receiver) {
        this.receiver = receiver;
    }

    /**
     * Passes on a mark, in hexadecimal digits; any program can send others, which are dropped. So
     * are all when it {@linkplain #end is over}.
     */
    void hear(String digits) {
        if (isOver || !digits.matches("(?:[0-9a-f]{2})*")) {
            return;
        }
        String text = new String(HexFormat.of().parseHex(digits), StandardCharsets.UTF_8);
        receiving = Deadline.in(LIMIT);
        try {
            receiver.accept(text);
        } catch (RuntimeException | Error e) {
            // This thread goes on to listen.
            if (thrown == null) {
                thrown = e;
            }
        } finally {
            receiving = null;
        }
    }

    /** {@return whether the receiver has a mark for longer than an ended guest waits for it} */
    boolean isStuck() {
        Deadline until = receiving;
        return until != null && until.isOver();
    }

    /**
     * Passes on no more.
     *
     * @param passing is interrupted where the receiver has not returned to it
     */
    void end(Thread passing) {
        isOver = true;
        if (receiving != null) {
            LOG.log(
                    Level.WARNING,
                    "the receiver of marks has not returned; a guest has ended without it");
            passing.interrupt();
        }
    }

    /**
     * Tells what the receiver has thrown, once.
     *
     * @throws GuestException when it has thrown
     */
    void check() {
        Throwable untold = thrown;
        if (untold != null) {
            thrown = null;
            throw new GuestException("the receiver of marks has thrown: " + untold, untold);
        }
    }
}
