package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.psk.PreSharedKeys;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** A file of pre-shared keys, as GnuTLS has it: {@code name:key} on each line. */
final class KeyFile {
    private KeyFile() {}

    /**
     * {@return TLS for whoever has a key in a file}
     *
     * @throws IOException when it cannot be read, or holds no keys
     */
    static SSLContext load(Path file) throws IOException {
        return read(file).ofServer();
    }

    /**
     * {@return TLS of a client with a key in a file}
     *
     * @param user whose; null for the only one
     * @throws Failure when it is not there, or not said whose
     * @throws IOException when the file cannot be read, or holds no keys
     */
    static SSLContext loadOfClient(Path file, @Nullable String user) throws IOException {
        PreSharedKeys keys = read(file);
        Set<String> users = keys.users();
        if (user == null && users.size() > 1) {
            throw new Failure(
                    "%s has the keys of %d users; nbds://USER@... says which"
                            .formatted(file, users.size()));
        }
        String whose = user == null ? users.iterator().next() : user;
        if (!users.contains(whose)) {
            throw new Failure("%s has no key of the user '%s'".formatted(file, whose));
        }
        return keys.ofClient(whose);
    }

    private static PreSharedKeys read(Path file) throws IOException {
        PreSharedKeys keys = PreSharedKeys.read(file);
        PosixFileAttributeView view =
                Files.getFileAttributeView(file, PosixFileAttributeView.class);
        if (view != null
                && view.readAttributes().permissions().contains(PosixFilePermission.OTHERS_READ)) {
            System.getLogger(KeyFile.class.getName())
                    .log(
                            Level.WARNING,
                            "every user of this machine can read the keys in {0}; to keep them"
                                    + " secret: chmod 600 {0}",
                            file);
        }
        return keys;
    }
}
