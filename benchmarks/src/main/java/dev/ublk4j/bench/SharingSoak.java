package dev.ublk4j.bench;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.sharedmemory.frames.PinnedPages;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Registers and unregisters under load, and says whether every page was let go of. */
public final class SharingSoak {
    private static final int SETTLE_MILLIS = 10_000;

    private SharingSoak() {}

    /**
     * Runs it.
     *
     * @param arguments {@code embedded} or {@code kernel}, how often, and on how many devices at a
     *     time: what a registration waits for on the kernel is not the processor
     */
    public static void main(String[] arguments)
            throws IOException, InterruptedException, ExecutionException {
        int cycles = Integer.parseInt(arguments[1]);
        int devices = Integer.parseInt(arguments[2]);
        long before = PinnedPages.held();
        try (Driver driver =
                arguments[0].equals("kernel") ? KernelDriver.open() : EmbeddedDriver.create()) {
            long start = System.nanoTime();
            long verified = 0;
            long shared = 0;
            long copied = 0;
            for (RegistrationSoak.Outcome outcome : run(driver, cycles, devices)) {
                verified += outcome.verified();
                shared += outcome.shared();
                copied += outcome.copied();
            }
            System.out.printf(
                    Locale.ROOT,
                    "%s: %d cycles in %.1f s, %d reads verified, %d requests shared, %d copied%n",
                    driver.name(),
                    cycles / devices * devices,
                    (System.nanoTime() - start) / 1e9,
                    verified,
                    shared,
                    copied);
        }
        for (int waited = 0; PinnedPages.held() > before && waited < SETTLE_MILLIS; waited += 50) {
            Thread.sleep(50);
        }
        long left = PinnedPages.held() - before;
        System.out.printf("pages pinned in the end: %d, before: %d%n", left + before, before);
        System.exit(left > 0 ? 1 : 0);
    }

    private static List<RegistrationSoak.Outcome> run(Driver driver, int cycles, int devices)
            throws InterruptedException, ExecutionException {
        try (ExecutorService threads = Executors.newFixedThreadPool(devices)) {
            RegistrationSoak soak = new RegistrationSoak(driver, cycles / devices);
            List<Callable<RegistrationSoak.Outcome>> soaks =
                    Collections.nCopies(devices, soak::run);
            List<RegistrationSoak.Outcome> outcomes = new ArrayList<>();
            for (Future<RegistrationSoak.Outcome> outcome : threads.invokeAll(soaks)) {
                outcomes.add(outcome.get());
            }
            return outcomes;
        }
    }
}
