package dev.ublk4j.uapi;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SectorsTest {
    @Test
    void aSectorHas512Bytes() {
        assertThat(Sectors.SIZE).isEqualTo(512);
        assertThat(Sectors.toBytes(0x1_0000_0000L)).isEqualTo(2L << 40);
    }

    @Test
    void bytesAreCountedInWholeSectors() {
        assertThat(Sectors.ofBytes(511)).isZero();
        assertThat(Sectors.ofBytes(512)).isOne();
        assertThat(Sectors.ofBytes(2L << 40)).isEqualTo(0x1_0000_0000L);
    }

    @Test
    void onlyMultiplesOfASectorAreAligned() {
        assertThat(Sectors.isAligned(0)).isTrue();
        assertThat(Sectors.isAligned(1024)).isTrue();
        assertThat(Sectors.isAligned(1023)).isFalse();
    }
}
