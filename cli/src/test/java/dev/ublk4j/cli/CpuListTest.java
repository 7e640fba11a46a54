package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class CpuListTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0 | 0",
                "0-3 | 0-3",
                "0-3,8 | 0-3,8",
                "8, 1,0 | 0-1,8",
                "2-2 | 2",
                "0,1,2 | 0-2"
            })
    void readsAndWritesLists(String text, String same) {
        assertThat(CpuList.format(CpuList.parse(text))).isEqualTo(same);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "1-", "-1", "3-1", "1,,2", "1;2", "123456"})
    void refusesWhatIsNoList(String text) {
        assertThatThrownBy(() -> CpuList.parse(text))
                .isInstanceOf(TypeConversionException.class)
                .hasMessageContaining("'" + text + "'");
    }
}
