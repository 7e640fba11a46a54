package dev.ublk4j.guest;

import java.util.Objects;

/** A program that boots a guest, prints its folder, and waits to be killed. */
final class AbandonedGuest {
    private AbandonedGuest() {}

    public static void main(String[] arguments) throws Exception {
        try (GuestLinux linux = GuestLinux.boot(GuestOptions.defaults())) {
            System.out.println(Objects.requireNonNull(linux.machine()).folder());
            linux.run("sleep 1000");
        }
    }
}
