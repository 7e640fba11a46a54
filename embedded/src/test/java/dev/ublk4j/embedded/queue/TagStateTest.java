package dev.ublk4j.embedded.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.wire.IoCommand;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TagStateTest {
    private static final int REGISTER_IO_BUF = IoCommand.UBLK_U_IO_REGISTER_IO_BUF & 0xff;

    @ParameterizedTest(name = "{0}: fetch {1}, commit {2}, buffer {3}, anything else {4}")
    @CsvSource({
        "UNFETCHED,       ok,     EINVAL, EINVAL, EINVAL",
        "FETCHED,         EINVAL, EBUSY,  EBUSY,  EBUSY",
        "SERVED,          EINVAL, ok,     EINVAL, EINVAL",
        "AWAITING_BUFFER, EINVAL, EINVAL, ok,     EINVAL",
        "CANCELED,        EINVAL, EBUSY,  EBUSY,  EBUSY",
    })
    void everyCommandHasItsAnswerInEveryState(
            TagState state, String fetch, String commit, String buffer, String other) {
        assertThat(state.answerTo(IoCommand.UBLK_IO_FETCH_REQ)).isEqualTo(number(fetch));
        assertThat(state.answerTo(IoCommand.UBLK_IO_COMMIT_AND_FETCH_REQ))
                .isEqualTo(number(commit));
        assertThat(state.answerTo(IoCommand.UBLK_IO_NEED_GET_DATA)).isEqualTo(number(buffer));
        assertThat(state.answerTo(REGISTER_IO_BUF)).isEqualTo(number(other));
        assertThat(state.answerTo(0x7f)).isEqualTo(number(other));
    }

    private static int number(String answer) {
        return "ok".equals(answer) ? 0 : Errno.valueOf(answer).negated();
    }
}
