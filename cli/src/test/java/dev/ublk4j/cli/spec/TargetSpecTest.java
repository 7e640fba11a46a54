package dev.ublk4j.cli.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("The text of a target")
class TargetSpecTest {
    private static final Set<String> KINDS =
            Set.of("null", "memory", "file", "stripe", "mirror", "delay");

    private static TargetSpec parse(String text) {
        return TargetSpec.parse(text, KINDS::contains);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    file:a.img                           | file:a.img
                    a.img                                | file:a.img
                    /dev/sdb                             | file:/dev/sdb
                    ../no ending                         | file:../no ending
                    null                                 | null
                    memory:1G                            | memory:1G
                    file : a.img , buffered, offset = 1M | file:a.img,buffered,offset=1M
                    a.img,buffered                       | file:a.img,buffered
                    "a, b.img"                           | file:"a, b.img"
                    file:"say \\"a\\\\b\\"",buffered     | file:"say \\"a\\\\b\\"",buffered
                    file:""                              | file:""
                    file:a=b                             | file:a=b
                    delay,read=5ms,write=10ms            | delay,read=5ms,write=10ms
                    mirror(a.img, b.img; log=ab.log)     | mirror(file:a.img, file:b.img; log=ab.log)
                    mirror( a.img,b.img )                | mirror(file:a.img, file:b.img)
                    mirror (null, null)                  | mirror(null, null)
                    stripe(a.img,buffered,null:1G; x)    | stripe(file:a.img,buffered, null:1G; x)
                    stripe(mirror(a.b, c.d; l=e), f.g)   | stripe(mirror(file:a.b, file:c.d; l=e), file:f.g)
                    stripe(mirror(a.b, c.d),x=1, e.f)    | stripe(mirror(file:a.b, file:c.d; x=1), file:e.f)
                    delay(a.img; read=5ms)               | delay(file:a.img; read=5ms)
                    stripe()                             | stripe
                    größe:1                              | file:größe:1
                    nbd://host/disk                      | nbd://host/disk
                    nbds://host/disk                     | nbd:nbds://host/disk
                    nbd+unix:///?socket=/s,patience=2s   | nbd:nbd+unix:///?socket=/s,patience=2s
                    mirror(nbds+unix:///x?socket=/s, nbds/a) | mirror(nbd:nbds+unix:///x?socket=/s, file:nbds/a)
                    """)
    void isReadAndWrittenInOneForm(String text, String written) {
        TargetSpec spec = parse(text);

        assertThat(spec).hasToString(written);
        assertThat(parse(written)).isEqualTo(spec);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    ``                      | a target is empty
                    mirror(a.img, b.img     | ')' is missing at position 20, for the '(' at position 7
                    stripe(mirror(a.b; c=d) | ')' is missing at position 24, for the '(' at position 7
                    mirror(a.img))          | ')' at position 14
                    file:a (1).img          | '(' at position 8
                    file:a;b                | ';' at position 7
                    a.img, b.img            | an option, as name=value, is missing at position 8
                    mirror(a.img; )         | an option, as name=value, is missing at position 15
                    mirror(a.img; log=)     | the value of 'log' is missing at position 19
                    mirror(a.img, )         | the name of a file is missing at position 15
                    file:                   | what follows 'file:' is missing at position 6
                    "a.img                  | a '"' is missing, for that at position 1
                    """)
    void isRefusedWithThePlaceWhereItGoesWrong(String text, String reason) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> parse(text))
                .withMessageContaining(reason);
    }

    @Test
    void isNotReadToAnyDepth() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> parse("stripe(".repeat(100_000)))
                .withMessageContaining("more than 32 levels");
    }

    @Test
    void ofAnyTargetSaysTheSameAgain() {
        for (int seed = 0; seed < 2000; seed++) {
            TargetSpec spec = random(new Random(seed), 0);
            assertThat(parse(spec.toString())).as("seed %d: %s", seed, spec).isEqualTo(spec);
        }
    }

    private static TargetSpec random(Random random, int level) {
        List<TargetSpec.Option> options = new ArrayList<>();
        for (int i = random.nextInt(3); i > 0; i--) {
            options.add(
                    new TargetSpec.Option(
                            List.of("log", "read-only", "x1").get(random.nextInt(3)),
                            random.nextBoolean() ? null : name(random)));
        }
        List<TargetSpec> legs = new ArrayList<>();
        for (int i = level < 3 ? random.nextInt(4) : 0; i > 0; i--) {
            legs.add(random(random, level + 1));
        }
        String argument = legs.isEmpty() ? name(random) : null;
        return new TargetSpec(
                List.copyOf(KINDS).get(random.nextInt(KINDS.size())), argument, options, legs);
    }

    private static String name(Random random) {
        StringBuilder name = new StringBuilder();
        for (int i = random.nextInt(6); i >= 0; i--) {
            name.append(" ,;()\"\\=:/.-\n\u00e4ab".charAt(random.nextInt(16)));
        }
        return name.toString();
    }

    @Test
    void isTheWordsOfACommand() {
        assertThat(parse("stripe(mirror(a.img, b.img; log=l), null; chunk=4K)").words())
                .containsExactly(
                        "stripe", "--chunk=4K", "mirror(file:a.img, file:b.img; log=l)", "null");
        assertThat(parse("file:-x,buffered").words())
                .containsExactly("file", "--buffered", "--", "-x");
    }

    @Test
    void numbersItsLegsAndPassesOverWhatHasOne() {
        List<String> places = new ArrayList<>();

        parse("delay(stripe(mirror(a.b, delay(c.d)), delay(mirror(e.f, g.h))))")
                .visitLegs((place, leg) -> places.add(place + " " + leg.kind()));

        assertThat(places)
                .containsExactly(
                        "1 mirror", "1.1 file", "1.2 delay", "2 delay", "2.1 file", "2.2 file");
    }
}
