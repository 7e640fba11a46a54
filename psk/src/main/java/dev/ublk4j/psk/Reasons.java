package dev.ublk4j.psk;

import java.io.IOException;
import org.bouncycastle.tls.AlertDescription;
import org.bouncycastle.tls.TlsFatalAlert;
import org.bouncycastle.tls.TlsFatalAlertReceived;

/** What the library's errors mean to people. */
final class Reasons {
    private Reasons() {}

    static String of(IOException thrown) {
        return switch (thrown) {
            case TlsFatalAlertReceived alert ->
                    "it sent the alert " + AlertDescription.getName(alert.getAlertDescription());
            case TlsFatalAlert alert -> String.valueOf(alert.getMessage());
            default -> String.valueOf(thrown.getMessage());
        };
    }
}
