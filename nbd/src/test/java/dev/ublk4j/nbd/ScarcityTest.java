package dev.ublk4j.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.targets.MemoryTarget;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server outlives what it is short of for a while. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ScarcityTest {
    @TempDir Path folder;

    /** Makes threads that cannot be started, as long as there are failures left. */
    private static final class Failing implements ThreadFactory {
        private final ThreadFactory actual;
        private final AtomicInteger failures = new AtomicInteger();

        Failing(ThreadFactory actual) {
            this.actual = actual;
        }

        @Override
        public Thread newThread(Runnable task) {
            if (failures.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
                throw new OutOfMemoryError("unable to create native thread");
            }
            return actual.newThread(task);
        }
    }

    private final Failing platform = new Failing(Thread.ofPlatform().daemon().factory());
    private final Failing virtual = new Failing(Thread.ofVirtual().factory());

    private Served served(int clients) {
        return Served.of(
                folder,
                NbdOptions.defaults()
                        .withMaxConnections(clients)
                        .withPatience(Duration.ofMillis(2000)),
                new MemoryTarget(Served.SIZE),
                new Threads(platform, virtual));
    }

    @Test
    void aClientWithoutAThreadIsTurnedAwayAndTheNextIsServed() throws IOException {
        try (Served served = served(1)) {
            platform.failures.set(3);
            int failed = 0;
            while (platform.failures.get() > 0) {
                try (NbdClient client = NbdClient.inTransmission(served.socket)) {
                    client.readAt(0, 512);
                } catch (IOException e) {
                    failed++;
                }
            }
            assertThat(failed).isEqualTo(3);
            try (NbdClient client = NbdClient.inTransmission(served.socket)) {
                assertThat(client.readAt(0, 512)).containsOnly(0);
            }
        }
    }

    @Test
    void slowWorkWithoutAThreadIsRefusedAndTheClientGoesOn() throws IOException {
        try (Served served = served(1);
                NbdClient client = NbdClient.inTransmission(served.socket)) {
            virtual.failures.set(2);
            assertThat(client.errorOf(Command.WRITE, 0, 1, 10, new byte[10]))
                    .isEqualTo(Errno.ENOMEM.number());
            assertThat(client.errorOf(Command.BLOCK_STATUS, 0, 0, 4096))
                    .isEqualTo(Errno.ENOMEM.number());
            assertThat(client.errorOf(Command.WRITE, 0, 1, 10, new byte[10])).isZero();
            assertThat(client.errorOf(Command.BLOCK_STATUS, 0, 0, 4096)).isZero();
        }
    }

    @Test
    void aClientThatCannotBeTakenLeaveOfAtOnceIsSoLater() throws Exception {
        try (Served served = served(1)) {
            try (NbdClient client = NbdClient.inTransmission(served.socket)) {
                client.readAt(0, 512);
                virtual.failures.set(1);
            }
            boolean isServed = false;
            for (int count = 0; count < 200 && !isServed; count++) {
                try (NbdClient client = NbdClient.inTransmission(served.socket)) {
                    client.readAt(0, 512);
                    isServed = true;
                } catch (IOException e) {
                    Thread.sleep(50);
                }
            }
            assertThat(isServed).isTrue();
        }
    }

    /** A server in a process of its own, told where its socket is to be. */
    static final class Main {
        public static void main(String[] arguments) throws Exception {
            Path socket = Path.of(arguments[0]);
            Served served =
                    Served.of(
                            socket.getParent(),
                            NbdOptions.defaults(),
                            new MemoryTarget(Served.SIZE));
            System.out.println("ready");
            int _ = System.in.read();
            served.close();
            System.out.println("closed");
        }
    }

    @Test
    void clientsWaitForDescriptorsAndAreServedWhenThereAreSome() throws Exception {
        Path errors = folder.resolve("errors");
        Process process =
                new ProcessBuilder(
                                "prlimit",
                                "--nofile=80",
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-XX:-MaxFDLimit",
                                "-cp",
                                System.getProperty("java.class.path")
                                        + ":"
                                        + System.getProperty("jdk.module.path", ""),
                                Main.class.getName(),
                                folder.resolve("nbd.sock").toString())
                        .redirectError(errors.toFile())
                        .start();
        List<NbdClient> clients = new ArrayList<>();
        List<Thread> waiting = new ArrayList<>();
        try (BufferedReader lines = process.inputReader()) {
            assertThat(lines.readLine()).as(Files.readString(errors)).isEqualTo("ready");
            AtomicInteger served = new AtomicInteger();
            AtomicReference<Throwable> failed = new AtomicReference<>();
            for (int count = 0; count < 100; count++) {
                waiting.add(
                        Thread.ofVirtual()
                                .start(() -> {
                                    try {
                                        NbdClient client =
                                                NbdClient.inTransmission(
                                                        folder.resolve("nbd.sock"));
                                        client.readAt(0, 512);
                                        client.errorOf(Command.BLOCK_STATUS, 0, 0, 4096);
                                        synchronized (clients) {
                                            clients.add(client);
                                        }
                                        served.incrementAndGet();
                                    } catch (IOException | RuntimeException e) {
                                        failed.set(e);
                                    }
                                }));
            }
            while (!Files.readString(errors).contains("too many open files")) {
                Thread.sleep(50);
            }
            // Those that are in make room for the others by going.
            int left = 0;
            while (served.get() < 100) {
                assertThat(failed.get()).as(Files.readString(errors)).isNull();
                Thread.sleep(100);
                synchronized (clients) {
                    for (; left < clients.size() && left < served.get(); left++) {
                        clients.get(left).close();
                    }
                }
            }
            process.outputWriter().append('\n').flush();
            assertThat(lines.readLine()).isEqualTo("closed");
            assertThat(Files.readString(errors))
                    .contains("too many open files")
                    .doesNotContain("\tat ");
            assertThat(Files.readAllLines(errors).stream().filter(l -> l.contains("WARNING")))
                    .as(Files.readString(errors))
                    .hasSizeLessThan(10);
        } finally {
            process.destroyForcibly();
            clients.forEach(client -> {
                try {
                    client.close();
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
        }
    }
}
