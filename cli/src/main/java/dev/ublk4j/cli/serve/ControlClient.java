package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.output.Json;
import dev.ublk4j.sharing.adopt.Choice;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Asks the process that serves a device or an export, as {@link TargetControl} has it. */
public final class ControlClient {
    /**
     * How long an adoption may take: a server begins no registration after a third of it, and none
     * takes longer than another third.
     */
    private static final Duration ADOPTION_PATIENCE = Duration.ofSeconds(90);

    private final RunFolder folder;
    private final ServedName name;

    /**
     * Takes what to ask about.
     *
     * @param folder where its server has left word
     */
    public ControlClient(RunFolder folder, ServedName name) {
        this.folder = folder;
        this.name = name;
    }

    /** {@return what the server has done} */
    public DeviceStat stat() {
        return stat(ControlSocket.ANSWER_PATIENCE);
    }

    /** {@return what the server has done, if it says so within a time} */
    DeviceStat stat(Duration patience) {
        return DeviceStat.parse(ask(ControlRequest.of(TargetControl.STAT), patience));
    }

    /** Gives a device another size. */
    public ServedDevice resize(long bytes) {
        return ServedDevice.parse(ask(resizing(bytes)));
    }

    /** Gives an export another size. */
    public ServedExport resizeExport(long bytes) {
        return ServedExport.parse(ask(resizing(bytes)));
    }

    private static ControlRequest resizing(long bytes) {
        return ControlRequest.of(TargetControl.RESIZE)
                .with(TargetControl.SIZE, Long.toString(bytes));
    }

    /**
     * Ends the server of exports, and does not wait for that.
     *
     * @param exports all that it serves
     * @throws Failure when it serves others, too
     */
    public void end(List<ServedName> exports) {
        String names = exports.stream().map(ServedName::toString).collect(Collectors.joining(" "));
        String _ = ask(ControlRequest.of(ExportControl.END).with(ExportControl.EXPORTS, names));
    }

    /**
     * Begins to bring a leg of a mirror back in step.
     *
     * @param leg its place, such as 2, or 1.2 for the second leg of the first leg
     */
    public DeviceStat resync(String leg) {
        return DeviceStat.parse(
                ask(ControlRequest.of(TargetControl.RESYNC).with(TargetControl.LEG, leg)));
    }

    /**
     * Has what an overlay has taken written to its base; returns when that is so.
     *
     * @param leg the overlay's place, null for the only one
     */
    public void commit(@Nullable String leg) {
        ControlRequest request =
                ControlRequest.of(TargetControl.COMMIT).with(TargetControl.LEG, leg);
        while (!isDone(ask(request))) {
            // It goes on; the server waits a while before it says so.
        }
    }

    /**
     * Shares the memory of a process with a device.
     *
     * @param pid the process, as the server sees it
     * @param dry whether only to look
     */
    public AdoptionAnswer adopt(int pid, Choice choice, boolean dry) {
        return AdoptionAnswer.parse(
                ask(AdoptionControl.request(pid, choice, dry), ADOPTION_PATIENCE));
    }

    /** Leaves a mark in what is recorded. */
    public void mark(String text) {
        String _ = ask(ControlRequest.of(TargetControl.MARK).with(TargetControl.TEXT, text));
    }

    /** {@return the faults that are injected} */
    public List<FaultStat> faults() {
        return FaultStat.parse(ask(ControlRequest.of(TargetControl.FAULTS)));
    }

    /**
     * Injects a fault.
     *
     * @param leg the place of the fault layer, null for the only one
     * @param fault as {@link dev.ublk4j.layers.DiskFault} writes it
     * @return the faults that are injected then
     */
    public List<FaultStat> inject(@Nullable String leg, String fault) {
        return FaultStat.parse(
                ask(
                        ControlRequest.of(TargetControl.INJECT)
                                .with(TargetControl.LEG, leg)
                                .with(TargetControl.FAULT, fault)));
    }

    /**
     * Takes faults back.
     *
     * @param leg the place of the fault layer, null for the only one; for all faults, for all
     * @param number of the fault, 0 for all
     * @return the faults that are left
     */
    public List<FaultStat> clearFaults(@Nullable String leg, int number) {
        return FaultStat.parse(
                ask(
                        ControlRequest.of(TargetControl.CLEAR)
                                .with(TargetControl.LEG, leg)
                                .with(
                                        TargetControl.NUMBER,
                                        number == 0 ? null : Integer.toString(number))));
    }

    /**
     * Takes the faults back by which requests hang, and lets those go on.
     *
     * @param leg the place of the fault layer, null for all
     * @return the faults that are left
     */
    public List<FaultStat> releaseFaults(@Nullable String leg) {
        return FaultStat.parse(
                ask(ControlRequest.of(TargetControl.RELEASE).with(TargetControl.LEG, leg)));
    }

    private static boolean isDone(String answer) {
        try (JsonParser json = Json.parser(answer)) {
            json.nextToken();
            return json.nextToken() == JsonToken.PROPERTY_NAME
                    && json.currentName().equals(TargetControl.DONE)
                    && json.nextToken() == JsonToken.VALUE_TRUE;
        }
    }

    private String ask(ControlRequest request) {
        return ask(request, ControlSocket.ANSWER_PATIENCE);
    }

    private String ask(ControlRequest request, Duration patience) {
        try {
            return Report.checked(
                    ControlSocket.ask(folder.controlSocket(name), request.json(), patience));
        } catch (ClosedChannelException e) {
            boolean isQuestion = request.command().equals(TargetControl.STAT);
            throw new Failure(
                    "no reply from the server of %s%s, within %d s%s"
                            .formatted(
                                    name.text(),
                                    process(),
                                    patience.toSeconds(),
                                    isQuestion ? "" : "; it may still do what it was asked"),
                    e);
        } catch (IOException e) {
            throw new Failure(reason(), e);
        }
    }

    private String process() {
        ProcessIdentity server = folder.serverOrNull(name);
        return server == null ? "" : ", process " + server.pid();
    }

    private String reason() {
        String refusal = folder.refusalOrNull(name);
        if (refusal != null) {
            return refusal;
        }
        ProcessIdentity server = folder.serverOrNull(name);
        return server != null && server.isAlive()
                ? "no reply from the server of %s, process %d".formatted(name.text(), server.pid())
                : "%s is not served by ublk4j".formatted(name.text());
    }
}
