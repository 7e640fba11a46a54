package dev.ublk4j.cli.serve;

import dev.ublk4j.sharing.SharingServer;
import dev.ublk4j.sharing.adopt.AdoptionState;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What the server of a device does for other processes besides: {@link AdoptionControl} has what is
 * about memory.
 */
final class DeviceControl extends TargetControl {
    private final @Nullable SharingServer sharing;
    private final RunFolder folder;
    private ServedDevice served;

    DeviceControl(LiveDevice live, ServedDevice served, RunFolder folder) {
        super(served.name(), served.targetText(), live.device(), served.composition());
        this.sharing = live.sharing();
        this.served = served;
        this.folder = folder;
        followDevice();
    }

    @Override
    String answer(ControlRequest request) {
        return request.command().equals(AdoptionControl.ADOPT)
                ? AdoptionControl.answer(sharing, request)
                : super.answer(request);
    }

    @Override
    @Nullable AdoptionState adopted() {
        return sharing == null ? null : sharing.adoptions();
    }

    @Override
    synchronized String recorded(long bytes) throws IOException {
        served = served.withSize(bytes);
        folder.write(served);
        return served.json();
    }
}
