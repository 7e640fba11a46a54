package dev.ublk4j.nbd;

import dev.ublk4j.embedded.Disk;
import dev.ublk4j.exports.ExportedDevice;
import dev.ublk4j.linux.internal.Complaint;
import dev.ublk4j.nbd.wire.ExportFlag;
import dev.ublk4j.nbd.wire.MetaContext;
import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.ChangeMap;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.ExactSize;
import dev.ublk4j.server.Target;
import dev.ublk4j.uapi.Sectors;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A device under the name by which clients ask for it. */
final class NbdExport {
    private static final System.Logger LOG = System.getLogger(NbdExport.class.getName());

    /** The largest read or write, and what a client is told of it. */
    static final int MAX_PAYLOAD = 32 << 20;

    private final String name;
    private final String description;
    private final ExportedDevice<QueueConnections> exported;
    private final @Nullable AllocationMap allocation;
    private final @Nullable ChangeMap changes;
    private final @Nullable ExactSize exact;
    private final PayloadMemory payloads;
    private final Threads threads;
    private final SharedAreas areas;
    private final WriteGate gate = new WriteGate();

    /** About requests that fail, and need not be said of each. */
    private final Complaint complaint = new Complaint(LOG);

    private final AtomicInteger nextFront = new AtomicInteger();

    NbdExport(
            String name,
            String description,
            ExportedDevice<QueueConnections> exported,
            Target target,
            PayloadMemory payloads,
            Threads threads) {
        this.name = name;
        this.description = description;
        this.exported = exported;
        this.allocation = target.ability(AllocationMap.class);
        this.changes = target.ability(ChangeMap.class);
        this.exact = target.ability(ExactSize.class);
        this.payloads = payloads;
        this.threads = threads;
        this.areas = new SharedAreas(exported.device());
    }

    String name() {
        return name;
    }

    String description() {
        return description;
    }

    /** {@return bytes that clients can use; 0 once the device has been stopped} */
    long size() {
        long whole = disk().size();
        return exact == null ? whole : Math.min(whole, exact.exactSize());
    }

    /**
     * {@return the unit of addressing that clients are told} Requests of any bytes are served, by
     * reading and writing whole blocks. That of a sector is left to the server, since clients would
     * refuse such requests or do the same; larger blocks are what somebody has chosen, or a disk
     * needs, and clients are told of them. What lies behind the last whole block has no unit but
     * bytes.
     */
    int minimumBlockBytes() {
        int block = disk().logicalBlockBytes();
        return block == Sectors.SIZE || size() % block != 0 ? 1 : block;
    }

    Device device() {
        return exported.device();
    }

    Disk disk() {
        return exported.disk();
    }

    /** {@return what it can tell clients of its parts} */
    Set<MetaContext> contexts() {
        return changes == null
                ? EnumSet.of(MetaContext.ALLOCATION)
                : EnumSet.allOf(MetaContext.class);
    }

    /** {@return what knows that; null where all is told as data} */
    @Nullable AllocationMap map(MetaContext context) {
        return switch (context) {
            case ALLOCATION -> allocation;
            case CHANGES -> changes == null ? null : changes::describeChanges;
        };
    }

    /** {@return the memory that clients of all exports share} */
    PayloadMemory payloads() {
        return payloads;
    }

    Threads threads() {
        return threads;
    }

    SharedAreas areas() {
        return areas;
    }

    Complaint complaint() {
        return complaint;
    }

    WriteGate gate() {
        return gate;
    }

    List<QueueConnections> fronts() {
        return exported.fronts();
    }

    /** {@return whose turn it is to take a client} */
    QueueConnections nextFront() {
        List<QueueConnections> fronts = fronts();
        return fronts.get(Math.floorMod(nextFront.getAndIncrement(), fronts.size()));
    }

    /**
     * {@return what the export can do, {@code NBD_FLAG_...}}
     *
     * @param structured whether the client has asked for structured replies
     */
    int flags(boolean structured) {
        int flags =
                ExportFlag.HAS_FLAGS
                        | ExportFlag.SEND_FLUSH
                        | ExportFlag.SEND_FUA
                        | ExportFlag.CAN_MULTI_CONN
                        | (structured ? ExportFlag.SEND_DF : 0)
                        | (device().geometry().rotational() ? ExportFlag.ROTATIONAL : 0);
        if (disk().isReadOnly()) {
            return flags | ExportFlag.READ_ONLY;
        }
        return flags
                | ExportFlag.SEND_WRITE_ZEROES
                | ExportFlag.SEND_FAST_ZERO
                | (disk().canDiscard() ? ExportFlag.SEND_TRIM : 0);
    }

    @Override
    public String toString() {
        return "export '" + name + "'";
    }
}
