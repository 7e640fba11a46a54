package dev.ublk4j.cli;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.logging.LogManager;

/**
 * Sets the log up: warnings and worse, a line each, on the standard error.
 *
 * <p>The log manager creates it by name when the first logger is asked for.
 */
public final class LogSetup {
    private static final String PROPERTIES =
            """
            handlers = java.util.logging.ConsoleHandler
            .level = WARNING
            java.util.logging.ConsoleHandler.level = ALL
            java.util.logging.ConsoleHandler.formatter = dev.ublk4j.cli.LineFormatter
            """;

    /** Configures the log manager. */
    public LogSetup() throws IOException {
        LogManager.getLogManager()
                .readConfiguration(
                        new ByteArrayInputStream(PROPERTIES.getBytes(StandardCharsets.UTF_8)));
    }
}
