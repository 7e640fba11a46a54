package dev.ublk4j.conformance.rules;

import dev.ublk4j.handover.HandoverConnection;
import dev.ublk4j.handover.SimpleExchange;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** An application in a process of its own that hands memory over, and then only lives. */
final class HandingProcess implements AutoCloseable {
    private static final String SIMPLE = "simple";

    private final Process process;
    private final int index;
    private final int descriptor;

    private HandingProcess(Process process, String report) {
        String[] words = report.split(" ", 2);
        this.process = process;
        this.index = Integer.parseInt(words[0]);
        this.descriptor = Integer.parseInt(words[1]);
    }

    /**
     * Hands memory over, says which and waits for the end of its input.
     *
     * @param arguments the socket, how to speak, bytes
     */
    public static void main(String[] arguments) throws IOException {
        Path socket = Path.of(arguments[0]);
        try (SharedMemory memory = SharedMemory.create("handed", Long.parseLong(arguments[2]))) {
            if (arguments[1].equals(SIMPLE)) {
                live(SimpleExchange.handOver(socket, memory.fd(), SharedDevice.LONG), memory);
            } else {
                try (HandoverConnection connection =
                        HandoverConnection.open(socket, SharedDevice.LONG)) {
                    live(connection.register(memory.fd(), false, "child").index(), memory);
                }
            }
        }
    }

    @SuppressWarnings("SystemOut") // the report is what the test reads
    private static void live(int index, SharedMemory memory) throws IOException {
        System.out.println(index + " " + memory.fd().number());
        while (System.in.read() >= 0) {}
    }

    /** {@return a process whose memory is shared} */
    static HandingProcess start(Path socket, boolean simply, long bytes) {
        try {
            Process process =
                    new ProcessBuilder(
                                    ProcessHandle.current().info().command().orElseThrow(),
                                    "-XX:+UseSerialGC",
                                    "-XX:TieredStopAtLevel=1",
                                    "--enable-native-access=ALL-UNNAMED",
                                    "-cp",
                                    System.getProperty("java.class.path"),
                                    HandingProcess.class.getName(),
                                    socket.toString(),
                                    simply ? SIMPLE : "messages",
                                    Long.toString(bytes))
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            String report = process.inputReader(StandardCharsets.UTF_8).readLine();
            if (report == null) {
                process.destroyForcibly();
                throw new AssertionError("the client has handed nothing over");
            }
            return new HandingProcess(process, report);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return the index that it was told} */
    int index() {
        return index;
    }

    /** {@return its number} */
    long pid() {
        return process.pid();
    }

    /** {@return its memory, opened here as well} */
    SharedMemory openMemory() {
        Path file = Path.of("/proc/%d/fd/%d".formatted(process.pid(), descriptor));
        return SharedMemory.open(file, true);
    }

    /** Kills it, so that it cleans nothing up, and waits for its end. */
    void kill() {
        process.destroyForcibly();
        try {
            if (!process.waitFor(SharedDevice.LONG.toSeconds(), TimeUnit.SECONDS)) {
                throw new AssertionError("a killed process goes on");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    @Override
    public void close() {
        kill();
    }
}
