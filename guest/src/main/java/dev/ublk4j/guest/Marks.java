package dev.ublk4j.guest;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Passes on what programs in a guest mark, and keeps what the receiver throws for whoever asks
 * next.
 */
final class Marks {
    private final Consumer<String> receiver;
    private volatile @Nullable Throwable thrown;

    Marks(Consumer<String> receiver) {
        this.receiver = receiver;
    }

    /** Passes on a mark, in hexadecimal digits; any program can send others, which are dropped. */
    void hear(String digits) {
        if (!digits.matches("(?:[0-9a-f]{2})*")) {
            return;
        }
        try {
            receiver.accept(new String(HexFormat.of().parseHex(digits), StandardCharsets.UTF_8));
        } catch (RuntimeException | Error e) {
            // This thread goes on to listen.
            if (thrown == null) {
                thrown = e;
            }
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
