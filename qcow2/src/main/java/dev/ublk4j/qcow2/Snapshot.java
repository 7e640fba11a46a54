package dev.ublk4j.qcow2;

import dev.ublk4j.targets.UnfitFileException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * A snapshot within an image.
 *
 * @param id the number that the image gave it, as text
 * @param name what a person called it
 * @param taken when it was taken
 * @param diskBytes the size of the disk then
 * @param stateBytes the state of a machine that was saved with it, 0 without
 */
public record Snapshot(String id, String name, Instant taken, long diskBytes, long stateBytes) {
    private static final int FIXED_BYTES = 40;
    private static final int MOST_EXTRA_BYTES = 1024;

    /** A snapshot and its L1 table. */
    record Place(Snapshot snapshot, long l1Offset, int l1Entries) {}

    static List<Place> read(MetadataFile file, Header header) {
        List<Place> all = new ArrayList<>();
        long at = header.snapshotsOffset();
        for (int i = 0; i < header.snapshots(); i++) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment fixed = file.read(arena, at, FIXED_BYTES);
                int idBytes = Short.toUnsignedInt(fixed.get(Layout.SHORT, 12));
                int nameBytes = Short.toUnsignedInt(fixed.get(Layout.SHORT, 14));
                int extraBytes = fixed.get(Layout.INT, 36);
                if (extraBytes < 0 || extraBytes > MOST_EXTRA_BYTES) {
                    throw Header.bad(
                            file.path(), "its snapshot table has an entry that is too long");
                }
                MemorySegment rest =
                        file.read(arena, at + FIXED_BYTES, (long) extraBytes + idBytes + nameBytes);
                long state =
                        extraBytes >= 8
                                ? rest.get(Layout.LONG, 0)
                                : Integer.toUnsignedLong(fixed.get(Layout.INT, 32));
                long disk = extraBytes >= 16 ? rest.get(Layout.LONG, 8) : header.size();
                Instant taken =
                        Instant.ofEpochSecond(
                                Integer.toUnsignedLong(fixed.get(Layout.INT, 16)),
                                Integer.toUnsignedLong(fixed.get(Layout.INT, 20)));
                Snapshot snapshot =
                        new Snapshot(
                                text(rest, extraBytes, idBytes),
                                text(rest, (long) extraBytes + idBytes, nameBytes),
                                taken,
                                disk,
                                state);
                all.add(new Place(snapshot, fixed.get(Layout.LONG, 0), fixed.get(Layout.INT, 8)));
                at += FIXED_BYTES + rest.byteSize() + 7 & ~7L;
            }
        }
        return all;
    }

    private static String text(MemorySegment bytes, long at, int length) {
        byte[] text = bytes.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
        return new String(text, StandardCharsets.UTF_8);
    }

    /** {@return the snapshot of a name, or else of a number} */
    static Place find(MetadataFile file, Header header, String name) {
        List<Place> all = read(file, header);
        return all.stream()
                .filter(each -> each.snapshot.name.equals(name))
                .findFirst()
                .or(() -> all.stream().filter(each -> each.snapshot.id.equals(name)).findFirst())
                .orElseThrow(() ->
                        new UnfitFileException(
                                file.path(),
                                all.isEmpty()
                                        ? "has no snapshots"
                                        : "has no snapshot '%s'; it has: %s"
                                                .formatted(
                                                        name,
                                                        String.join(
                                                                ", ",
                                                                all.stream()
                                                                        .map(each ->
                                                                                each.snapshot.name)
                                                                        .toList()))));
    }
}
