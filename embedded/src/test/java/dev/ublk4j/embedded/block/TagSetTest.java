package dev.ublk4j.embedded.block;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TagSetTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 63, 64, 65, 4096})
    void givesEveryTagOnceAndTheLowestFirst(int depth) {
        TagSet tags = new TagSet(depth);
        for (int tag = 0; tag < depth; tag++) {
            assertThat(tags.take()).isEqualTo(tag);
        }
        assertThat(tags.take()).isEqualTo(TagSet.NONE);
        tags.free(depth / 2);
        assertThat(tags.take()).isEqualTo(depth / 2);
        assertThat(tags.take()).isEqualTo(TagSet.NONE);
        assertThat(tags.free()).isZero();
    }
}
