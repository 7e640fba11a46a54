package dev.ublk4j.psk;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * The keys that users share with a server, each under the user's name.
 *
 * <p>A file has a user on each line, {@code name:key}, the key in hexadecimal digits: what {@code
 * psktool} of GnuTLS writes, and QEMU, nbdkit and libnbd read. Empty lines count for nothing, nor
 * does a byte order mark.
 *
 * <p>Immutable, for any thread. Neither a message nor {@link #toString} has a key in it.
 */
public final class PreSharedKeys {
    /** The least bytes of a key: RFC 9257 asks for 128 bits. */
    public static final int MIN_KEY = 16;

    /** The most bytes of a key, as of {@code psktool}. */
    public static final int MAX_KEY = 512;

    /** The most bytes of a user's name. */
    public static final int MAX_NAME = 128;

    private static final int MAX_FILE = 16 << 20;

    /** Some editors begin a file in UTF-8 with it, and do not show it. */
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    private final Map<String, byte[]> keys;

    private PreSharedKeys(Map<String, byte[]> keys) {
        this.keys = keys;
    }

    /**
     * {@return the keys of a file}
     *
     * @throws KeyFileException when it does not hold keys
     * @throws IOException when it cannot be read
     */
    public static PreSharedKeys read(Path file) throws IOException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(MAX_FILE + 1);
        } catch (FileSystemException e) {
            throw e;
        } catch (IOException e) {
            // What fails to be read does not know its name, such as a folder.
            FileSystemException named =
                    new FileSystemException(file.toString(), null, e.getMessage());
            named.initCause(e);
            throw named;
        }
        if (bytes.length > MAX_FILE) {
            throw new KeyFileException(file, 0, "is too large for a file of keys");
        }
        String text = text(bytes);
        if (text == null) {
            throw new KeyFileException(file, 0, "is not in UTF-8");
        }
        if (text.startsWith(BYTE_ORDER_MARK)) {
            text = text.substring(BYTE_ORDER_MARK.length());
        }
        Map<String, byte[]> keys = new LinkedHashMap<>();
        Map<String, Integer> lines = new LinkedHashMap<>();
        int number = 0;
        // Other separators may be in a name.
        for (String line : text.split("\r?\n", -1)) {
            number++;
            if (line.isBlank()) {
                continue;
            }
            int colon = line.indexOf(':');
            if (colon < 0) {
                throw new KeyFileException(file, number, "it is not NAME:KEY");
            }
            String name = line.substring(0, colon);
            String digits = line.substring(colon + 1).strip();
            String wrong = wrong(name, digits);
            if (wrong != null) {
                throw new KeyFileException(file, number, wrong);
            }
            Integer before = lines.put(name, number);
            if (before != null) {
                throw new KeyFileException(
                        file, number, "the user '%s' has a key on line %d".formatted(name, before));
            }
            keys.put(name, bytes(digits));
        }
        if (keys.isEmpty()) {
            throw new KeyFileException(file, 0, "has no key in it");
        }
        return new PreSharedKeys(keys);
    }

    /**
     * {@return keys by the names of their users}
     *
     * @throws IllegalArgumentException when a name or a key is not one that a file may have, or
     *     there is none
     */
    public static PreSharedKeys of(Map<String, byte[]> keys) {
        Map<String, byte[]> copies = new LinkedHashMap<>();
        keys.forEach((name, key) -> {
            String wrong = wrongName(name);
            wrong = wrong == null ? wrongLength(key.length) : wrong;
            if (wrong != null) {
                throw new IllegalArgumentException(wrong);
            }
            copies.put(name, key.clone());
        });
        if (copies.isEmpty()) {
            throw new IllegalArgumentException("there are no keys");
        }
        return new PreSharedKeys(copies);
    }

    /** {@return what is wrong with a line, without the key in it} */
    private static @Nullable String wrong(String name, String digits) {
        String wrong = wrongName(name);
        if (wrong != null) {
            return wrong;
        }
        String wrongKey = wrongKey(name, digits);
        if (wrongKey != null && name.length() >= 2 * MIN_KEY && isHexadecimal(name)) {
            return "what is before the colon is a key, and not the name of a user";
        }
        return wrongKey;
    }

    private static @Nullable String wrongKey(String name, String digits) {
        if (digits.isEmpty()) {
            return "the key of '%s' is empty".formatted(name);
        }
        if (!isHexadecimal(digits)) {
            return "the key of '%s' has other characters than hexadecimal digits".formatted(name);
        }
        if (digits.length() % 2 != 0) {
            return "the key of '%s' has an odd number of hexadecimal digits".formatted(name);
        }
        String length = wrongLength(digits.length() / 2);
        return length == null ? null : "the key of '%s': %s".formatted(name, length);
    }

    private static boolean isHexadecimal(String text) {
        return text.chars().allMatch(each -> each < 0x80 && Character.digit(each, 16) >= 0);
    }

    private static @Nullable String wrongName(String name) {
        if (name.isBlank()) {
            return "there is no name of a user";
        }
        if (name.startsWith("#")) {
            return "names in hexadecimal digits (#...) and comments are not supported";
        }
        if (name.indexOf(':') >= 0) {
            return "a name of a user has a colon in it";
        }
        if (name.getBytes(StandardCharsets.UTF_8).length > MAX_NAME) {
            return "the name of a user has more than %d bytes".formatted(MAX_NAME);
        }
        return null;
    }

    private static @Nullable String wrongLength(int bytes) {
        if (bytes < MIN_KEY) {
            return "%d bytes, less than %d; openssl rand -hex 32 makes a key"
                    .formatted(bytes, MIN_KEY);
        }
        return bytes > MAX_KEY ? "%d bytes, more than %d".formatted(bytes, MAX_KEY) : null;
    }

    private static byte[] bytes(String digits) {
        byte[] bytes = new byte[digits.length() / 2];
        for (int i = 0; i < bytes.length; i++) {
            int high = Character.digit(digits.charAt(2 * i), 16);
            bytes[i] = (byte) (high << 4 | Character.digit(digits.charAt(2 * i + 1), 16));
        }
        return bytes;
    }

    /** {@return a text of bytes, null when they are none in UTF-8} */
    static @Nullable String text(byte[] bytes) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            return null;
        }
    }

    /** {@return the names of the users, in the order of the file} */
    public Set<String> users() {
        return Collections.unmodifiableSet(keys.keySet());
    }

    /** {@return a copy of a user's key, null for nobody} */
    byte @Nullable [] key(String user) {
        byte[] key = keys.get(user);
        return key == null ? null : key.clone();
    }

    /**
     * {@return a context for servers, which lets in every user who has his key} Its engines tell a
     * client whose name is unknown the same as one whose key is wrong. Their {@code
     * getSession().getPeerPrincipal()} names the user.
     */
    public SSLContext ofServer() {
        return PskContext.of(this, null);
    }

    /**
     * {@return a context for a client, which trusts a server that has the user's key} No name of a
     * host is looked at.
     *
     * @throws IllegalArgumentException when there is no key of that user
     */
    public SSLContext ofClient(String user) {
        if (!keys.containsKey(user)) {
            throw new IllegalArgumentException("there is no key of the user '%s'".formatted(user));
        }
        return PskContext.of(this, user);
    }

    @Override
    public String toString() {
        return "pre-shared keys of %d users".formatted(keys.size());
    }
}
