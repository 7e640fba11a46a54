package dev.ublk4j.uring;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;

/** Remembers what a ring completed. */
final class Completions implements CompletionHandler {
    private static final long PATIENCE_NANOS = 240_000_000_000L;

    record Completion(long userData, int result, int flags) {}

    private final List<Completion> all = new ArrayList<>();

    @Override
    public void onCompletion(long userData, int result, int flags) {
        all.add(new Completion(userData, result, flags));
    }

    /** Submits what is prepared and waits until this many completions have come, and no more. */
    Completions await(Ring ring, int count) {
        while (all.size() < count) {
            assertThat(ring.submitAndWait(1, PATIENCE_NANOS)).as(ring::toString).isNotNegative();
            ring.drain(this);
        }
        assertThat(all).hasSize(count);
        return this;
    }

    List<Completion> all() {
        return all;
    }

    /** {@return the one completion with this user data} */
    Completion of(long userData) {
        List<Completion> matching = all.stream().filter(c -> c.userData() == userData).toList();
        assertThat(matching).as("completions of %d", userData).hasSize(1);
        return matching.getFirst();
    }

    /** {@return the result of the one completion with this user data} */
    int result(long userData) {
        return of(userData).result();
    }

    /** Submits what is prepared and answers the result of the one completion that comes. */
    static int resultOf(Ring ring) {
        return new Completions().await(ring, 1).all().getFirst().result();
    }
}
