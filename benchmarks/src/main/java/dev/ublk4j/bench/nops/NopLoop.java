package dev.ublk4j.bench.nops;

import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/**
 * NOPs through a ring, as many as fit into a turn: what {@code nops.c} does with liburing. Reads
 * "DEPTH MILLISECONDS" from each line of its input, and answers with NOPs a second.
 */
public final class NopLoop implements CompletionHandler {
    private static final int ROUNDS = 256;

    private final Ring ring;
    private int seen;

    private NopLoop(Ring ring) {
        this.ring = ring;
    }

    /** Runs until the input ends. */
    public static void main(String[] arguments) throws IOException {
        try (Ring ring = Ring.open(RingOptions.defaults());
                BufferedReader lines =
                        new BufferedReader(
                                new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            NopLoop loop = new NopLoop(ring);
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.split(" ", -1);
                System.out.printf(
                        "%.0f%n", loop.turn(Integer.parseInt(words[0]), Long.parseLong(words[1])));
            }
        }
    }

    private double turn(int depth, long millis) {
        long begun = System.nanoTime();
        long at = begun;
        long done = 0;
        while (at - begun < millis * 1_000_000) {
            for (int i = 0; i < ROUNDS; i++) {
                round(depth);
            }
            done += (long) ROUNDS * depth;
            at = System.nanoTime();
        }
        return done * 1e9 / (at - begun);
    }

    private void round(int depth) {
        seen = 0;
        for (int i = 0; i < depth; i++) {
            ring.nop(i);
        }
        ring.submitAndWait(depth);
        ring.drain(this);
        if (seen != depth) {
            throw new IllegalStateException("%d of %d came".formatted(seen, depth));
        }
    }

    @Override
    public void onCompletion(long userData, int result, int flags) {
        if (result != 0) {
            throw new IllegalStateException("a NOP ended with " + result);
        }
        seen++;
    }
}
