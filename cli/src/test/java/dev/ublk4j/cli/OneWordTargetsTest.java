package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A target in one word")
class OneWordTargetsTest {
    private static String expanded(String line) {
        return String.join(
                "|",
                OneWordTargets.expand(Main.commandLine(), Words.of(line).toArray(String[]::new)));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '>',
            quoteCharacter = '`',
            textBlock =
                    """
                    add 'mirror(a.img, b.img; log=ab.log)'            > add|mirror|--log=ab.log|file:a.img|file:b.img
                    add 'mirror(a.img, b.img)' --log ab.log           > add|mirror|file:a.img|file:b.img|--log|ab.log
                    add -n 3 --recovery wait file:a.img,buffered      > add|-n|3|--recovery|wait|file|--buffered|a.img
                    add --queues=2 'stripe(a.img, memory:1M)' --json  > add|--queues=2|stripe|file:a.img|memory:1M|--json
                    add --num 3 memory:1M                             > add|--num|3|memory|1M
                    ADD Stripe a.img 'mirror(b.img, c.img)'           > ADD|Stripe|a.img|mirror(b.img, c.img)
                    export nbd --name a --name b file:a.img null:1G   > export|nbd|--name|a|--name|b|file|a.img|null|1G
                    export nbd --name 'null(x)' null:1G               > export|nbd|--name|null(x)|null|1G
                    add fault memory 1M --delay 1us                   > add|fault|memory:1M|--delay|1us
                    export vhost-user -s file:x memory:1M             > export|vhost-user|-s|file:x|memory|1M
                    """)
    void becomesTheWordsOfItsKind(String line, String words) {
        assertThat(expanded(line)).isEqualTo(words);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "add disk.img",
                "add fil:a.img",
                "add -- file:a.img",
                "add file file:a.img",
                "del file:a.img",
                "help file:a.img",
                "list",
                ""
            })
    void isLeftAloneWhereItIsNone(String line) {
        assertThat(expanded(line)).isEqualTo(String.join("|", Words.of(line)));
    }

    @Test
    void thatMakesNoSenseIsRefused() {
        assertThatThrownBy(() -> expanded("add 'mirror(a.img, b.img'"))
                .hasMessageContaining("mirror(a.img, b.img");
        Run run = Run.of("add", "mirror(a.img");
        assertThat(run.status()).isEqualTo(Main.MISUSED);
        assertThat(run.errorLines()).hasSize(1);
        assertThat(run.err()).contains("see: ublk4j add --help");
    }

    @Test
    void isServedOrRefusedAsInWords() {
        String words = Run.of("add", "mirror", "memory:1M").err();

        assertThat(Run.of("add", "mirror(memory:1M)").err()).isEqualTo(words);
    }
}
