package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.acceptance.MortalServer.Places;
import dev.ublk4j.handover.Exchange;
import dev.ublk4j.handover.HandoverConnection;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharing.store.Keeper;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/** The buffers of a load, shared with one server of a device after the other. */
final class LoadMemory {
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final String LABEL = "load";

    private final Path folder;
    private final SharedMemory memory;
    private final AtomicBoolean keep = new AtomicBoolean(true);
    private final Thread keeper = new Thread(this::keep, "keeper");
    private HandoverConnection connection;
    private int index;

    private LoadMemory(Path folder, SharedMemory memory) {
        this.folder = folder;
        this.memory = memory;
    }

    /**
     * Begins to keep what servers are to find that follow a killed one.
     *
     * @param folder of {@link Places}
     * @param bytes what the load has in buffers
     */
    static LoadMemory create(Path folder, long bytes) {
        LoadMemory memory = new LoadMemory(folder, SharedMemory.create(LABEL, bytes));
        memory.keeper.start();
        return memory;
    }

    private void keep() {
        try (Keeper here = Keeper.open(new Places(folder).keeper())) {
            here.serve(keep::get);
        }
    }

    private HandoverConnection connect(int device) {
        return HandoverConnection.open(Exchange.socketPath(folder, device), PATIENCE);
    }

    /** Shares the memory with the first server of a device. */
    void share(int device) {
        connection = connect(device);
        index = connection.register(memory.fd(), false, LABEL).index();
    }

    /** Makes the memory known to the server that has followed. */
    void claim(int device) {
        connection.close();
        connection = connect(device);
        assertThat(connection.claim(memory.fd(), index, LABEL).index()).isEqualTo(index);
    }

    /** {@return whether the present server has served a request from shared memory} */
    boolean isUsed() {
        return connection.stat().get("shared_requests") > 0;
    }

    /** {@return the name of the memory for another process, which may open it} */
    String path() {
        return "/proc/%d/fd/%d".formatted(ProcessHandle.current().pid(), memory.fd().number());
    }

    /** Stops sharing. */
    void end() throws InterruptedException {
        if (connection != null) {
            connection.close();
        }
        memory.close();
        keep.set(false);
        keeper.join();
    }
}
