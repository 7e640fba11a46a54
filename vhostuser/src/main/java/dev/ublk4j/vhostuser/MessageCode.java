package dev.ublk4j.vhostuser;

import org.jspecify.annotations.Nullable;

/** What a client can ask for, {@code VHOST_USER_...}. */
enum MessageCode {
    GET_FEATURES(1),
    SET_FEATURES(2),
    SET_OWNER(3),
    RESET_OWNER(4),
    SET_MEM_TABLE(5),
    SET_LOG_BASE(6),
    SET_LOG_FD(7),
    SET_VRING_NUM(8),
    SET_VRING_ADDR(9),
    SET_VRING_BASE(10),
    GET_VRING_BASE(11),
    SET_VRING_KICK(12),
    SET_VRING_CALL(13),
    SET_VRING_ERR(14),
    GET_PROTOCOL_FEATURES(15),
    SET_PROTOCOL_FEATURES(16),
    GET_QUEUE_NUM(17),
    SET_VRING_ENABLE(18),
    SET_BACKEND_REQ_FD(21),
    GET_CONFIG(24),
    SET_CONFIG(25),
    GET_INFLIGHT_FD(31),
    SET_INFLIGHT_FD(32),
    GET_MAX_MEM_SLOTS(36),
    ADD_MEM_REG(37),
    REM_MEM_REG(38);

    private static final @Nullable MessageCode[] BY_NUMBER = new @Nullable MessageCode[39];

    static {
        for (MessageCode code : values()) {
            BY_NUMBER[code.number] = code;
        }
    }

    private final int number;

    MessageCode(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }

    /** {@return the request of a number, or null where it is not served} */
    static @Nullable MessageCode of(int number) {
        return number >= 0 && number < BY_NUMBER.length ? BY_NUMBER[number] : null;
    }
}
