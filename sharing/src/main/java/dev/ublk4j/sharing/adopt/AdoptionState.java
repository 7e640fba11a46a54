package dev.ublk4j.sharing.adopt;

import java.util.List;

/**
 * What a device has adopted, and what has come of it.
 *
 * @param programs whose memory it is, a file each
 * @param sharedRequests of the device, since something was adopted
 * @param copiedRequests of the device, since then
 */
public record AdoptionState(
        List<AdoptedProgram> programs, long sharedRequests, long copiedRequests) {
    /** Copies the list. */
    public AdoptionState {
        programs = List.copyOf(programs);
    }
}
