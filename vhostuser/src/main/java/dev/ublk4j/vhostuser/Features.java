package dev.ublk4j.vhostuser;

import dev.ublk4j.vhostuser.blk.BlkDevice;

/** What a client and a device can agree on. */
final class Features {
    /**
     * Headers, data and status may share descriptors. Only drivers of the time before virtio 1.0
     * ask; QEMU promises it to them without a word to the device, and then passes their consent on.
     */
    static final long VIRTIO_F_ANY_LAYOUT = 1L << 27;

    /** Descriptors may name tables of descriptors. */
    static final long VIRTIO_RING_F_INDIRECT_DESC = 1L << 28;

    /** Both sides say at which index they want to be told. */
    static final long VIRTIO_RING_F_EVENT_IDX = 1L << 29;

    /** There are protocol features to agree on, and rings begin disabled. */
    static final long VHOST_USER_F_PROTOCOL_FEATURES = 1L << 30;

    /** The device is not of the time before virtio 1.0. */
    static final long VIRTIO_F_VERSION_1 = 1L << 32;

    /** Rings are packed ones. */
    static final long VIRTIO_F_RING_PACKED = 1L << 34;

    static final long PROTOCOL_F_MQ = 1L;
    static final long PROTOCOL_F_REPLY_ACK = 1L << 3;
    static final long PROTOCOL_F_BACKEND_REQ = 1L << 5;
    static final long PROTOCOL_F_CONFIG = 1L << 9;
    static final long PROTOCOL_F_INFLIGHT_SHMFD = 1L << 12;
    static final long PROTOCOL_F_CONFIGURE_MEM_SLOTS = 1L << 15;

    /** All protocol features there are. Without a log of dirty pages a guest cannot migrate. */
    static final long PROTOCOL =
            PROTOCOL_F_MQ
                    | PROTOCOL_F_REPLY_ACK
                    | PROTOCOL_F_BACKEND_REQ
                    | PROTOCOL_F_CONFIG
                    | PROTOCOL_F_INFLIGHT_SHMFD
                    | PROTOCOL_F_CONFIGURE_MEM_SLOTS;

    private Features() {}

    /**
     * {@return all features of a disk}
     *
     * @param packed whether rings may be packed ones
     */
    static long of(BlkDevice device, boolean packed) {
        return device.features()
                | VIRTIO_F_ANY_LAYOUT
                | VIRTIO_RING_F_INDIRECT_DESC
                | VIRTIO_RING_F_EVENT_IDX
                | VHOST_USER_F_PROTOCOL_FEATURES
                | VIRTIO_F_VERSION_1
                | (packed ? VIRTIO_F_RING_PACKED : 0);
    }
}
