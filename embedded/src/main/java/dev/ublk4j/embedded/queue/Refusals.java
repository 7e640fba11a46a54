package dev.ublk4j.embedded.queue;

import dev.ublk4j.uring.CompletionHandler;
import java.util.Arrays;

/** The completions of commands that have ended at once, until they are handed over, in order. */
final class Refusals {
    private long[] userData = new long[8];
    private int[] results = new int[8];
    private int count;

    void add(long commandUserData, int result) {
        if (count == results.length) {
            userData = Arrays.copyOf(userData, 2 * count);
            results = Arrays.copyOf(results, 2 * count);
        }
        userData[count] = commandUserData;
        results[count] = result;
        count++;
    }

    /** Hands all over; what is left when the handler throws stays. */
    void handOver(CompletionHandler handler) {
        int from = 0;
        try {
            while (from < count) {
                int at = from++;
                handler.onCompletion(userData[at], results[at], 0);
            }
        } finally {
            int rest = count - from;
            System.arraycopy(userData, from, userData, 0, rest);
            System.arraycopy(results, from, results, 0, rest);
            count = rest;
        }
    }
}
