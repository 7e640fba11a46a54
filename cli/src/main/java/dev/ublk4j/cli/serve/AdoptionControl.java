package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharing.SharingServer;
import dev.ublk4j.sharing.adopt.AdoptionReport;
import dev.ublk4j.sharing.adopt.Choice;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What the server of a device does about the memory of other processes: {@code
 * {"do":"adopt","pid":N}}, with {@code "small":true} for small mappings, {@code
 * "starts":"7f..,7f.."} for particular ones, and {@code "dry":true} to change nothing, is answered
 * with {@link AdoptionAnswer}.
 */
final class AdoptionControl {
    static final String ADOPT = "adopt";

    private static final String PID = "pid";
    private static final String SMALL = "small";
    private static final String STARTS = "starts";
    private static final String DRY = "dry";

    private AdoptionControl() {}

    static ControlRequest request(int pid, Choice choice, boolean dry) {
        String starts =
                choice.starts().stream().map(Long::toHexString).collect(Collectors.joining(","));
        return ControlRequest.of(ADOPT)
                .with(PID, Integer.toString(pid))
                .with(SMALL, Boolean.toString(choice.small()))
                .with(DRY, Boolean.toString(dry))
                .with(STARTS, starts);
    }

    /**
     * {@return the answer to a request}
     *
     * @param sharing takes memory for the device, null where none is shared
     */
    static String answer(@Nullable SharingServer sharing, ControlRequest request) {
        if (sharing == null) {
            throw new Failure(
                    "the device does not share memory; add it with: ublk4j add ... --shmem");
        }
        boolean small = Boolean.parseBoolean(request.argument(SMALL));
        boolean dry = Boolean.parseBoolean(request.argument(DRY));
        Set<Long> starts = new HashSet<>();
        int pid;
        try {
            pid = Integer.parseInt(text(request, PID));
            for (String start : text(request, STARTS).split(",", -1)) {
                if (!start.isEmpty()) {
                    starts.add(Long.parseUnsignedLong(start, 16));
                }
            }
        } catch (NumberFormatException e) {
            throw new Failure("not a process and addresses: " + request.json(), e);
        }
        return new AdoptionAnswer(report(sharing, pid, new Choice(small, starts), dry)).json();
    }

    private static String text(ControlRequest request, String argument) {
        String text = request.argument(argument);
        return text == null ? "" : text;
    }

    private static AdoptionReport report(
            SharingServer sharing, int pid, Choice choice, boolean dry) {
        try {
            return dry ? sharing.examine(pid, choice) : sharing.adopt(pid, choice);
        } catch (LinuxException e) {
            throw switch (e.errno()) {
                case ESRCH -> new Failure("there is no process " + pid, e);
                case EINVAL ->
                        new Failure("process %d is the server of the device".formatted(pid), e);
                case EACCES, EPERM ->
                        new Failure(
                                "the kernel does not let the server of the device look at process %d; it takes the same user, or root"
                                        .formatted(pid),
                                e);
                default -> e;
            };
        }
    }
}
