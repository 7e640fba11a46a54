package dev.ublk4j.uapi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.uapi.wire.IoDescLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceInfoTest {
    private static DeviceInfo info(int ioDescSize, long flags) {
        return new DeviceInfo(1, 1, 0, ioDescSize, 4096, 0, -1, flags, 0, 0, 0);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 24, 32, 0xffff})
    void aStrideThatWasNotAskedForIsTheDescriptorsOwnSize(int padding) {
        assertThat(info(padding, 0).descriptorStride()).isEqualTo(IoDescLayout.SIZE);
    }

    @Test
    void aStrideThatWasGrantedIsTheFieldOfItsName() {
        assertThat(info(64, Feature.UBLK_F_IO_DESC_SIZE).descriptorStride()).isEqualTo(64);
    }
}
