package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Whether the names that a command was given are those that were typed. The JVM reads them in the
 * encoding of the locale; of bytes that are no text there, it makes the replacement character, and
 * the name of another file.
 */
final class Names {
    private static final char REPLACEMENT = '\uFFFD';

    private Names() {}

    /**
     * Checks the arguments, the current folder and what the environment says of folders.
     *
     * @throws Failure when one is not what was typed
     */
    static void check(List<String> arguments) throws IOException {
        String folder = System.getProperty("user.dir");
        if (isDoubtful(folder) && !Files.exists(Path.of(folder))) {
            throw new Failure("the name of the current folder is " + complaint(encoding()));
        }
        List<String> variables =
                List.of("UBLK4J_RUN", "XDG_RUNTIME_DIR").stream()
                        .filter(name -> isDoubtful(System.getenv().getOrDefault(name, "")))
                        .toList();
        if (!variables.isEmpty()) {
            throw new Failure("%s is %s".formatted(variables.getFirst(), complaint(encoding())));
        }
        if (arguments.stream().anyMatch(Names::isDoubtful)) {
            checkBytes(Files.readAllBytes(Path.of("/proc/self/cmdline")), encoding());
        }
    }

    private static boolean isDoubtful(String text) {
        return text.indexOf(REPLACEMENT) >= 0;
    }

    private static Charset encoding() {
        return Charset.forName(System.getProperty("sun.jnu.encoding"), StandardCharsets.UTF_8);
    }

    /**
     * Checks what was typed.
     *
     * @param line arguments, each ended by a byte 0
     */
    static void checkBytes(byte[] line, Charset encoding) {
        int start = 0;
        for (int end = 0; end < line.length; end++) {
            if (line[end] == 0) {
                checkWord(ByteBuffer.wrap(line, start, end - start), encoding);
                start = end + 1;
            }
        }
    }

    private static void checkWord(ByteBuffer word, Charset encoding) {
        try {
            encoding.newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(word.duplicate());
        } catch (CharacterCodingException e) {
            throw new Failure("'%s' is %s".formatted(escaped(word), complaint(encoding)), e);
        }
    }

    private static String complaint(Charset encoding) {
        return encoding.equals(StandardCharsets.UTF_8)
                ? "not valid UTF-8; rename it, or use a link with another name"
                : "not valid in the encoding of this locale, %s; set LC_ALL=C.UTF-8"
                        .formatted(encoding);
    }

    private static String escaped(ByteBuffer word) {
        StringBuilder text = new StringBuilder();
        while (word.hasRemaining()) {
            int code = Byte.toUnsignedInt(word.get());
            if (code >= ' ' && code < 0x7f) {
                text.append((char) code);
            } else {
                text.append("\\x%02x".formatted(code));
            }
        }
        return text.toString();
    }
}
