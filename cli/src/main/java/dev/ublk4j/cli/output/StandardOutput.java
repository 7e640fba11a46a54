package dev.ublk4j.cli.output;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The standard output, which throws what a {@link PrintWriter} would keep to itself: an {@link
 * OutputException}, when it is written to and that fails. What comes after that is dropped.
 */
public final class StandardOutput extends OutputStream {
    private static final Path OWN = Path.of("/proc/self/fd/1");
    private static final Path ERROR = Path.of("/proc/self/fd/2");

    private final OutputStream stream;
    private final Path link;
    private boolean failed;

    private StandardOutput() {
        this(new FileOutputStream(FileDescriptor.out), OWN);
    }

    /**
     * Takes any stream.
     *
     * @param link names what the stream leads to
     */
    StandardOutput(OutputStream stream, Path link) {
        this.stream = stream;
        this.link = link;
    }

    /** {@return a writer to it, which has to be flushed} */
    public static PrintWriter writer() {
        return new PrintWriter(new OutputStreamWriter(new StandardOutput(), charset()));
    }

    /** {@return the encoding that this user's locale asks for; UTF-8 where it asks for none} */
    public static Charset charset() {
        Charset own =
                Charset.forName(System.getProperty("native.encoding"), StandardCharsets.UTF_8);
        return own.equals(StandardCharsets.US_ASCII) ? StandardCharsets.UTF_8 : own;
    }

    /** {@return whether a person looks at it, on a terminal that knows colours} */
    public static boolean hasColours(String term, String noColour) {
        return noColour.isEmpty() && !term.isEmpty() && !term.equals("dumb") && isTerminal(OWN);
    }

    /** {@return whether a person looks at the standard error} */
    public static boolean isErrorTerminal() {
        return isTerminal(ERROR);
    }

    private static boolean isTerminal(Path link) {
        String place = place(link);
        return place.startsWith("/dev/pts/") || place.startsWith("/dev/tty");
    }

    private static String place(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "";
        }
    }

    @Override
    public void write(int value) {
        write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        if (failed) {
            return;
        }
        try {
            stream.write(bytes, offset, length);
        } catch (IOException e) {
            failed = true;
            String place = place(link);
            // A pipe that can be written to at all fails for one reason only: nobody reads it.
            boolean nobodyReads = place.startsWith("pipe:") || place.startsWith("socket:");
            throw new OutputException(nobodyReads, e);
        }
    }
}
