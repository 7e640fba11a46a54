package dev.ublk4j.cli.serve;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.socket.UnixSocket;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** What systemd is told of this process where it is a service of {@code Type=notify}. */
final class ServiceState {
    private static final System.Logger LOG = System.getLogger(ServiceState.class.getName());

    private static final String READY = "READY=1";

    private ServiceState() {}

    /** Tells that the device is live; does nothing where nobody wants to know. */
    static void ready(Map<String, String> environment) {
        String address = environment.get("NOTIFY_SOCKET");
        if (address == null) {
            return;
        }
        try (UnixSocket notify = UnixSocket.notifier(address);
                Arena arena = Arena.ofConfined()) {
            byte[] bytes = READY.getBytes(StandardCharsets.UTF_8);
            MemorySegment message = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
            LinuxException.check("sd_notify", address, notify.send(message));
        } catch (LinuxException e) {
            // Whoever waits for it gives up by itself.
            LOG.log(Level.WARNING, "cannot notify the service manager", e);
        }
    }
}
