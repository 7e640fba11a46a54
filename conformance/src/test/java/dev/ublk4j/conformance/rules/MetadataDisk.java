package dev.ublk4j.conformance.rules;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.IntegrityFormat;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A disk in memory that others may change: its data, and its metadata as it came. */
final class MetadataDisk implements SimpleTarget {
    private final IntegrityFormat format;
    private final MemorySegment data;
    private final MemorySegment metadata;
    private volatile @Nullable Errno refusal;

    MetadataDisk(long size, IntegrityFormat format) {
        this.format = format;
        this.data = Arena.ofAuto().allocate(size);
        this.metadata = Arena.ofAuto().allocate(format.metadataOf(size)).fill(format.unwritten());
    }

    MemorySegment data() {
        return data;
    }

    MemorySegment metadata() {
        return metadata;
    }

    /** Has writes fail from now on. */
    void refusing(Errno errno) {
        refusal = errno;
    }

    @Override
    public Geometry geometry() {
        return Geometry.ofSize(data.byteSize()).withIntegrity(format);
    }

    @Override
    public int read(Request request) {
        request.copyMetadataFrom(metadata, format.metadataOf(request.offset()));
        return request.copyFrom(data, request.offset());
    }

    @Override
    public int write(Request request) {
        Errno errno = refusal;
        if (errno != null) {
            return errno.negated();
        }
        request.copyMetadataTo(metadata, format.metadataOf(request.offset()));
        return request.copyTo(data, request.offset());
    }
}
