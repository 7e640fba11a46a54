package dev.ublk4j.sharing.store;

import dev.ublk4j.linux.Peer;
import dev.ublk4j.sharedmemory.FileIdentity;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What another server must know of a buffer.
 *
 * @param key under which its memory is kept; unique among the buffers of its device
 * @param phase whether it is registered
 * @param index the driver's, -1 while it is not known
 * @param offset first byte of the file that is shared
 * @param length bytes
 * @param flags as in the request that handed it over
 * @param name for people, and to claim it by
 * @param from who handed it over
 * @param identity which file it is
 * @param size bytes of the whole file
 * @param path where the file is, null for memory that is kept
 */
public record BufferRecord(
        String key,
        Phase phase,
        int index,
        long offset,
        long length,
        int flags,
        String name,
        Peer from,
        FileIdentity identity,
        long size,
        @Nullable Path path) {
    private static final int FIELDS = 15;
    private static final String TEXT = "=";
    private static final String NOTHING = "-";

    /** Where a buffer is between the server and the driver. */
    public enum Phase {
        /** The driver is about to register it, or has done so without this being noted. */
        COMING,
        /** It is registered. */
        LIVE,
        /** The driver is about to unregister it, or has done so without this being noted. */
        GOING
    }

    /** {@return the same under a key} */
    BufferRecord withKey(String newKey) {
        return new BufferRecord(
                newKey, phase, index, offset, length, flags, name, from, identity, size, path);
    }

    /** {@return the same in another phase} */
    BufferRecord in(Phase newPhase, int newIndex) {
        return new BufferRecord(
                key, newPhase, newIndex, offset, length, flags, name, from, identity, size, path);
    }

    /** {@return all of it on a line} */
    String line() {
        return String.join(
                " ",
                key,
                phase.name(),
                Integer.toString(index),
                Long.toString(offset),
                Long.toString(length),
                Integer.toString(flags),
                text(name),
                Integer.toString(from.pid()),
                Integer.toString(from.uid()),
                Integer.toString(from.gid()),
                Integer.toString(identity.deviceMajor()),
                Integer.toString(identity.deviceMinor()),
                Long.toString(identity.inode()),
                Long.toString(size),
                path == null ? NOTHING : text(path.toString()));
    }

    private static String text(String text) {
        return TEXT + URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private static String textOf(String field) {
        return URLDecoder.decode(field.substring(TEXT.length()), StandardCharsets.UTF_8);
    }

    /**
     * {@return the buffer of a line}
     *
     * @throws IllegalArgumentException when it is none
     */
    static BufferRecord parse(String line) {
        String[] fields = line.split(" ", -1);
        if (fields.length != FIELDS) {
            throw new IllegalArgumentException("not a buffer: " + line);
        }
        return new BufferRecord(
                fields[0],
                Phase.valueOf(fields[1]),
                Integer.parseInt(fields[2]),
                Long.parseLong(fields[3]),
                Long.parseLong(fields[4]),
                Integer.parseInt(fields[5]),
                textOf(fields[6]),
                new Peer(
                        Integer.parseInt(fields[7]),
                        Integer.parseInt(fields[8]),
                        Integer.parseInt(fields[9])),
                new FileIdentity(
                        Integer.parseInt(fields[10]),
                        Integer.parseInt(fields[11]),
                        Long.parseLong(fields[12])),
                Long.parseLong(fields[13]),
                fields[14].equals(NOTHING) ? null : Path.of(textOf(fields[14])));
    }
}
