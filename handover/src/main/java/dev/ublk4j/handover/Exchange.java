package dev.ublk4j.handover;

import java.nio.file.Path;

/**
 * The two protocols of a device's socket, in numbers.
 *
 * <p>Integers are in the machine's own byte order: both ends run on one machine. The socket is a
 * stream ({@code SOCK_STREAM}).
 *
 * <h2>The simple exchange</h2>
 *
 * <p>The application sends one byte or more, of any value, with one descriptor ({@code
 * SCM_RIGHTS}). The server replies with 4 bytes, the index of the buffer or a negative errno, and
 * sends nothing more: the application reads the end of the stream. The whole file is shared, for
 * reading and writing. The buffer is the device's until both the connection and the process that
 * made it have ended, so that an application may close its end at once.
 *
 * <h2>Messages</h2>
 *
 * <p>An application that sends no descriptor with its first byte opens with a hello, which the
 * server replies with its own:
 *
 * <pre>{@code
 * struct hello {            // 16 bytes
 *     u8  magic[8];         // "ublkshm" and a zero byte
 *     u32 version;          // the highest that is spoken; the reply's is the one that is used
 *     u32 device;           // application: 0; server: N of /dev/ublkbN
 * };
 * }</pre>
 *
 * <p>A server that does not let the application in replies with 4 bytes instead, a negative errno,
 * and closes. So does, with -1, a server that knows the simple exchange only.
 *
 * <p>Then come requests and replies, each a header and what belongs to its type:
 *
 * <pre>{@code
 * struct header {           // 16 bytes
 *     u32 length;           // of the whole message, 16 to 65536
 *     u32 type;             // a reply has that of its request
 *     u32 sequence;         // of the application's choice; the reply has the same
 *     s32 status;           // request: 0; reply: 0, or a negative errno
 * };
 * }</pre>
 *
 * <p>A reply whose status is negative consists of a text that says why, in UTF-8. Requests are
 * answered in order. A name is UTF-8 of at most 255 bytes. A descriptor comes with the first byte
 * of its message.
 *
 * <pre>{@code
 * REGISTER 1, with the descriptor of memory
 *     u64 offset;           // first byte to be shared, a multiple of the memory's page size
 *     u64 length;           // bytes, likewise; 0: up to the end of the file
 *     u32 flags;            // READ_ONLY 1, KEEP 2, TRUSTED 4
 *     u32 name_length;
 *     u8  name[name_length];
 *   reply
 *     u32 index;            // the driver's, 0 to 65535
 *     u32 flags;
 *     u64 length;
 *
 * UNREGISTER 2
 *     u32 index;
 *   reply: empty; no request uses the buffer any more
 *
 * LIST 3
 *     u32 first;            // lowest index of interest
 *   reply
 *     u32 next;             // where to go on, 0xffffffff: that was all
 *     u32 count;
 *     then count times, at a multiple of 8 bytes:
 *     u32 index;
 *     u32 flags;            // as above, and OWN 8: of this connection, ADOPTED 16
 *     u64 offset;
 *     u64 length;
 *     s32 pid;              // who handed it over; 0: the server itself
 *     u32 uid;
 *     u32 reserved;
 *     u32 name_length;
 *     u8  name[name_length];
 *
 * STAT 4
 *   reply
 *     u32 count;
 *     u32 reserved;
 *     then count times, at a multiple of 8 bytes:
 *     u64 value;
 *     u32 reserved;
 *     u32 name_length;
 *     u8  name[name_length];
 *
 * CLAIM 5, with the descriptor of the memory
 *     u32 index;            // 0xffffffff: the name tells
 *     u32 name_length;
 *     u8  name[name_length];
 *   reply: as to REGISTER
 * }</pre>
 *
 * <p>A buffer belongs to the connection that registered it and is taken back when the connection
 * ends. With KEEP it belongs to the device and stays until it is removed or the device is; CLAIM
 * makes such a buffer, or one that a server has taken over from its predecessor, this connection's.
 * KEEP and TRUSTED (memory that cannot be sealed against shrinking, such as a file of hugetlbfs)
 * are for root, the server's user and the device's owner; so is removing or seeing what is
 * another's.
 */
public final class Exchange {
    /** Where the sockets of a machine are. */
    public static final Path FOLDER = Path.of("/run/ublk");

    /**
     * {@return where a server of this user puts its socket} {@link #FOLDER} for who may write
     * there; else {@code ublk} in {@code XDG_RUNTIME_DIR}, where there is one.
     */
    public static Path ownFolder() {
        return SocketFolder.own(FOLDER, System.getenv());
    }

    /** The version of the messages that is spoken here. */
    public static final int VERSION = 1;

    /** Bytes of a hello. */
    public static final int HELLO_BYTES = 16;

    /** Bytes of a message's header. */
    public static final int HEADER_BYTES = 16;

    /** Bytes of the longest message. */
    public static final int MAX_MESSAGE_BYTES = 1 << 16;

    /** Bytes of the longest name. */
    public static final int MAX_NAME_BYTES = 255;

    /** Only writes to the device use the buffer; its memory is not changed. */
    public static final int READ_ONLY = 1;

    /** The buffer belongs to the device rather than to the connection. */
    public static final int KEEP = 2;

    /** The memory cannot be sealed; whoever can make it smaller is trusted not to. */
    public static final int TRUSTED = 4;

    /** In a list: the buffer belongs to the connection that asks. */
    public static final int OWN = 8;

    /** In a list: the server has taken the memory from a process that did not hand it over. */
    public static final int ADOPTED = 16;

    /** No index. */
    public static final int NO_INDEX = -1;

    /** The first bytes of a hello, as a number in big-endian order: "ublkshm" and a zero byte. */
    static final long MAGIC = 0x75626c6b73686d00L;

    private Exchange() {}

    /**
     * {@return where the server of a device listens}
     *
     * @param device the N of {@code /dev/ublkbN}
     */
    public static Path socketPath(int device) {
        return SocketFolder.find(FOLDER, System.getenv(), device);
    }

    /** {@return where the server of a device listens, with another folder than the usual one} */
    public static Path socketPath(Path folder, int device) {
        return folder.resolve("ublkb" + device + ".sock");
    }
}
