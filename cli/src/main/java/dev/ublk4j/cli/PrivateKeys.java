package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Private keys in the PEM forms that OpenSSL and GnuTLS write: PKCS #8 ({@code PRIVATE KEY}), PKCS
 * #1 ({@code RSA PRIVATE KEY}) and SEC 1 ({@code EC PRIVATE KEY}). The JDK reads the first; the
 * others are wrapped into it.
 */
final class PrivateKeys {
    private static final Pattern PEM =
            Pattern.compile(
                    "-----BEGIN ((?:RSA |EC |ENCRYPTED )?PRIVATE KEY)-----(.*?)-----END \\1-----",
                    Pattern.DOTALL);

    private static final int INTEGER = 2;
    private static final int OCTETS = 4;
    private static final int NULL = 5;
    private static final int OBJECT = 6;
    private static final int SEQUENCE = 0x30;

    /** In SEC 1, the curve. */
    private static final int PARAMETERS = 0xa0;

    /** {@code rsaEncryption}, 1.2.840.113549.1.1.1. */
    private static final byte[] RSA = {
        0x2a, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xf7, 0x0d, 1, 1, 1
    };

    /** {@code id-ecPublicKey}, 1.2.840.10045.2.1. */
    private static final byte[] EC = {0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 2, 1};

    private static final byte[] ZERO = {0};
    private static final byte[] NOTHING = {};

    private PrivateKeys() {}

    /**
     * {@return the first private key of a file}
     *
     * @throws Failure when there is none, or one that is encrypted
     * @throws IOException when the file cannot be read
     * @throws GeneralSecurityException when it is no key, or one of an unknown kind
     */
    static PrivateKey read(Path file) throws IOException, GeneralSecurityException {
        // What stands around a key may be in any encoding.
        Matcher found = PEM.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
        if (!found.find()) {
            throw new Failure(file + " has no private key in PEM form");
        }
        String form = found.group(1);
        if (form.startsWith("ENCRYPTED") || found.group(2).contains("ENCRYPTED")) {
            throw new Failure(
                    "%s is encrypted; type: openssl pkcs8 -topk8 -nocrypt -in %s -out NEW"
                            .formatted(file, file));
        }
        byte[] der = Base64.getMimeDecoder().decode(found.group(2));
        PKCS8EncodedKeySpec key =
                new PKCS8EncodedKeySpec(
                        switch (form) {
                            case "RSA PRIVATE KEY" ->
                                    wrapped(join(value(OBJECT, RSA), value(NULL, NOTHING)), der);
                            case "EC PRIVATE KEY" ->
                                    wrapped(join(value(OBJECT, EC), curve(file, der)), der);
                            default -> der;
                        });
        for (String algorithm : List.of("EC", "RSA", "EdDSA")) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(key);
            } catch (InvalidKeySpecException e) {
                // It may be a key of the next kind.
            }
        }
        throw new InvalidKeySpecException(
                file + " is a key of an unknown kind: not EC, RSA or EdDSA");
    }

    /** {@return {@code PrivateKeyInfo} of RFC 5208} */
    private static byte[] wrapped(byte[] algorithm, byte[] key) {
        return value(
                SEQUENCE,
                join(value(INTEGER, ZERO), value(SEQUENCE, algorithm), value(OCTETS, key)));
    }

    /** {@return what names the curve in an {@code ECPrivateKey} of RFC 5915} */
    private static byte[] curve(Path file, byte[] der) throws InvalidKeySpecException {
        ByteBuffer in = ByteBuffer.wrap(der);
        try {
            enter(in);
            while (in.hasRemaining()) {
                int tag = Byte.toUnsignedInt(in.get(in.position()));
                int length = enter(in);
                if (tag == PARAMETERS) {
                    byte[] parameters = new byte[length];
                    in.get(parameters);
                    return parameters;
                }
                in.position(in.position() + length);
            }
        } catch (RuntimeException e) {
            throw new InvalidKeySpecException(file + " is not a key", e);
        }
        throw new InvalidKeySpecException(file + " does not name the curve of its key");
    }

    /** Reads the tag and the length of a value; answers the length. */
    private static int enter(ByteBuffer in) {
        in.get();
        int length = Byte.toUnsignedInt(in.get());
        if (length < 0x80) {
            return length;
        }
        int value = 0;
        for (int left = length & 0x7f; left > 0; left--) {
            value = value << 8 | Byte.toUnsignedInt(in.get());
        }
        return value;
    }

    private static byte[] value(int tag, byte[] content) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(tag);
        if (content.length < 0x80) {
            out.write(content.length);
        } else {
            int bytes = (Integer.SIZE - Integer.numberOfLeadingZeros(content.length) + 7) / 8;
            out.write(0x80 | bytes);
            for (int left = bytes - 1; left >= 0; left--) {
                out.write(content.length >>> (8 * left));
            }
        }
        out.writeBytes(content);
        return out.toByteArray();
    }

    private static byte[] join(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }
}
