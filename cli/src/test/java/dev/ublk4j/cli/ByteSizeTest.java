package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class ByteSizeTest {
    @ParameterizedTest
    @CsvSource({
        "512, 512",
        "4K, 4096",
        "4k, 4096",
        "4KiB, 4096",
        "4KB, 4096",
        "1G, 1073741824",
        "1.5G, 1610612736",
        "0.5K, 512",
        "2T, 2199023255552",
        "7E, 8070450532247928832"
    })
    void readsWhatAPersonWrites(String text, long bytes) {
        assertThat(ByteSize.parse(text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "K",
                "-1",
                "0",
                "0G",
                "1.3",
                "1X",
                "1 2",
                "8E",
                "99999999999999E",
                "1e3"
            })
    void refusesWhatIsNoSize(String text) {
        assertThatThrownBy(() -> ByteSize.parse(text))
                .isInstanceOf(TypeConversionException.class)
                .hasMessageContaining("'" + text + "'");
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1",
        "512, 512",
        "1024, 1K",
        "1536, 1.5K",
        "1073741824, 1G",
        "268435456000, 250G",
        "1000204886016, 931.5G"
    })
    void writesTheLargestFittingUnit(long bytes, String text) {
        assertThat(ByteSize.format(bytes)).isEqualTo(text);
    }
}
