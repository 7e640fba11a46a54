package dev.ublk4j.cli.output;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.io.IOException;
import java.util.List;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * Tells of failures before there are any, and to nobody. Where descriptors or memory are short no
 * class can be loaded, and one that could not be loaded once never is; so whoever serves loads what
 * failures are told with while he still can.
 */
public final class Rehearsal {
    private Rehearsal() {}

    /** Loads what failures are told with; for before anything is served. */
    public static void run() {
        // To find nothing, each file of the class path is opened, and stays so: no class needs a
        // descriptor any more.
        var _ = ClassLoader.getSystemResource("there/is/none");
        for (Throwable failure : failures()) {
            LogRecord record = new LogRecord(Level.SEVERE, "nothing has failed");
            record.setThrown(failure);
            for (Handler handler : Logger.getLogger("").getHandlers()) {
                Formatter formatter = handler.getFormatter();
                if (formatter != null) {
                    var _ = formatter.format(record);
                }
            }
            var _ = Explanation.of(failure);
        }
        var _ = Json.text(json -> json.writeNull());
    }

    private static List<Throwable> failures() {
        return List.of(
                new Failure("none"),
                new LinuxException("openat", "none", Errno.EMFILE.negated()),
                new IOException("none"),
                new OutOfMemoryError("none"),
                new NoClassDefFoundError("none"),
                new IllegalStateException("none"));
    }
}
