package dev.ublk4j.cli;

import dev.ublk4j.cli.doctor.Examination;
import dev.ublk4j.cli.doctor.Finding;
import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.serve.ProcessUser;
import dev.ublk4j.cli.serve.ServedName;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.Deadline;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;

/** The kernel module behind {@code /dev/ublk-control}. */
final class DriverModule {
    static final String NAME = "ublk_drv";

    private static final String NOT_LOADED = "the ublk driver is not loaded";

    /** How long the control node may take to appear once the module has been loaded. */
    private static final Duration NODE_PATIENCE = Duration.ofSeconds(5);

    private DriverModule() {}

    /** {@return whether the driver is there} */
    static boolean isLoaded() {
        return Files.exists(KernelDriver.CONTROL);
    }

    /**
     * Sees to it that the driver is loaded, as far as this user can.
     *
     * @param err told what is done
     * @throws Failure when it is not, with what to type
     */
    static void load(PrintWriter err) {
        if (isLoaded()) {
            return;
        }
        if (!ProcessUser.isRoot()) {
            check();
        }
        err.println("ublk4j: loading the kernel module " + NAME);
        err.flush();
        modprobe();
        awaitNode();
    }

    /**
     * {@return whether the driver is loaded, once it has been tried to load it} Nothing is said.
     */
    static boolean tryLoad() {
        if (!isLoaded() && ProcessUser.isRoot()) {
            try {
                modprobe();
                awaitNode();
            } catch (Failure e) {
                return false;
            }
        }
        return isLoaded() && Files.isWritable(KernelDriver.CONTROL);
    }

    /**
     * Checks that the driver is loaded.
     *
     * @throws Failure when it is not, with what to type
     */
    static void check() {
        if (!isLoaded()) {
            throw new Failure(missing());
        }
    }

    /** As {@link #check}, where something that is served needs the driver: an export does not. */
    static void checkFor(ServedName name) {
        if (!name.isExport()) {
            check();
        }
    }

    /** {@return that the driver is not loaded, and what to type or to do} */
    static String missing() {
        if (Examination.isDriverLoadable()) {
            return "%s; type: %smodprobe %s"
                    .formatted(NOT_LOADED, ProcessUser.isRoot() ? "" : "sudo ", NAME);
        }
        Finding finding = Examination.ofDriver();
        return "%s: %s; %s".formatted(NOT_LOADED, finding.text(), finding.remedy());
    }

    private static void modprobe() {
        try {
            Process modprobe =
                    new ProcessBuilder("modprobe", NAME).redirectErrorStream(true).start();
            byte[] said = modprobe.getInputStream().readAllBytes();
            int status = modprobe.waitFor();
            if (status != 0) {
                String reason = Explanation.oneLine(new String(said, StandardCharsets.UTF_8));
                throw new Failure(
                        "%s, and it cannot be loaded: %s; ublk4j vm boots a kernel that has it"
                                .formatted(NOT_LOADED, reason));
            }
        } catch (IOException e) {
            throw new Failure(missing(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while " + NAME + " is loaded", e);
        }
    }

    private static void awaitNode() {
        Deadline deadline = Deadline.in(NODE_PATIENCE);
        while (!isLoaded()) {
            if (deadline.isOver()) {
                throw new Failure(NAME + " is loaded, but there is no " + KernelDriver.CONTROL);
            }
            try {
                Thread.sleep(10);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Failure("interrupted while " + NAME + " is loaded", e);
            }
        }
    }
}
