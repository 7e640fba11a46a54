package dev.ublk4j.bench;

import dev.ublk4j.demo.RegistrationSoak;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.sharedmemory.PinnedPages;
import java.io.IOException;
import java.util.Locale;

/** Registers and unregisters under load, and says whether every page was let go of. */
public final class SharingSoak {
    private static final int SETTLE_MILLIS = 10_000;

    private SharingSoak() {}

    /**
     * Runs it.
     *
     * @param arguments {@code embedded} or {@code kernel}, and how often
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        long before = PinnedPages.held();
        RegistrationSoak.Outcome outcome;
        try (Driver driver =
                arguments[0].equals("kernel") ? KernelDriver.open() : EmbeddedDriver.create()) {
            outcome = new RegistrationSoak(driver, Integer.parseInt(arguments[1])).run();
            System.out.printf(
                    Locale.ROOT,
                    "%s: %d cycles in %.1f s, %d reads verified, %d requests shared, %d copied%n",
                    driver.name(),
                    outcome.cycles(),
                    outcome.nanos() / 1e9,
                    outcome.verified(),
                    outcome.shared(),
                    outcome.copied());
        }
        for (int waited = 0; PinnedPages.held() > before && waited < SETTLE_MILLIS; waited += 50) {
            Thread.sleep(50);
        }
        long left = PinnedPages.held() - before;
        System.out.printf("pages pinned in the end: %d, before: %d%n", left + before, before);
        System.exit(left > 0 ? 1 : 0);
    }
}
