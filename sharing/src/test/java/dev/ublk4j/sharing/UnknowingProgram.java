package dev.ublk4j.sharing;

import dev.ublk4j.linux.Mapping;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A process that has memory mapped, knows of no device, and does what it is told. */
final class UnknowingProgram implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;

    /** The address of its memory. */
    final long start;

    private UnknowingProgram(Process process) throws IOException {
        this.process = process;
        this.answers = process.inputReader(StandardCharsets.UTF_8);
        this.start = Long.parseLong(String.valueOf(answers.readLine()), 16);
    }

    /**
     * Maps memory and obeys.
     *
     * @param arguments anonymous, memfd or a path; bytes
     */
    @SuppressWarnings("SystemOut") // the test reads it
    public static void main(String[] arguments) throws IOException {
        long bytes = Long.parseLong(arguments[1]);
        Arena arena = Arena.ofShared();
        SharedMemory file =
                switch (arguments[0]) {
                    case "anonymous" -> null;
                    case "memfd" -> SharedMemory.create("program", bytes);
                    default -> SharedMemory.createFile(Path.of(arguments[0]), bytes, 0600);
                };
        MemorySegment memory =
                file == null
                        ? Mapping.anonymous(bytes, Mapping.MAP_SHARED, arena)
                        : file.map(arena, false);
        memory.fill((byte) 1);
        System.out.println(Long.toHexString(memory.address()));
        BufferedReader orders =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String order;
        while ((order = orders.readLine()) != null) {
            String[] words = order.split(" ", -1);
            switch (words[0]) {
                case "unmap" -> arena.close();
                case "map" ->
                        SharedMemory.create("more", Long.parseLong(words[1]))
                                .map(arena, false)
                                .fill((byte) 2);
                case "shrink" -> {
                    if (file != null) {
                        file.fd().truncate(Long.parseLong(words[1]));
                    }
                }
                default -> throw new IllegalArgumentException(order);
            }
            System.out.println("done");
        }
    }

    static UnknowingProgram start(String kind, long bytes) {
        try {
            return new UnknowingProgram(
                    new ProcessBuilder(
                                    ProcessHandle.current().info().command().orElseThrow(),
                                    "-XX:+UseSerialGC",
                                    "-XX:TieredStopAtLevel=1",
                                    "--enable-native-access=ALL-UNNAMED",
                                    "-cp",
                                    System.getProperty("java.class.path"),
                                    UnknowingProgram.class.getName(),
                                    kind,
                                    Long.toString(bytes))
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    int pid() {
        return (int) process.pid();
    }

    /** Has it do something, and waits until it has. */
    void obey(String order) {
        try {
            process.outputWriter(StandardCharsets.UTF_8).append(order).append('\n').flush();
            if (!"done".equals(answers.readLine())) {
                throw new AssertionError("the program has ended: " + order);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        kill();
    }

    /** Kills it, and waits for its end. */
    void kill() {
        process.destroyForcibly().onExit().join();
    }
}
