package dev.ublk4j.psk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files of keys are those of GnuTLS, and what is wrong with one is said without the key. */
final class PreSharedKeysTest {
    private static final String KEY = "00112233445566778899aabbccddeeff";
    private static final String OTHER = "0F0E0D0C0B0A09080706050403020100";

    @TempDir Path folder;

    private PreSharedKeys read(String text) throws Exception {
        Path file = folder.resolve("keys.psk");
        Files.writeString(file, text);
        return PreSharedKeys.read(file);
    }

    @Test
    void aFileHasAUserOnEachLine() throws Exception {
        PreSharedKeys keys = read("alice:%s\r\n\n  \nbob the second:%s".formatted(KEY, OTHER));
        assertThat(keys.users()).containsExactly("alice", "bob the second");
        assertThat(keys.key("bob the second"))
                .containsExactly(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
        assertThat(keys.key("carol")).isNull();
    }

    @Test
    void namesAreInUtf8() throws Exception {
        assertThat(read("J\u00fcrgen:" + KEY + "\n").users()).containsExactly("J\u00fcrgen");
        Files.write(
                folder.resolve("old"),
                ("J\u00fcrgen:" + KEY).getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> PreSharedKeys.read(folder.resolve("old")))
                .isInstanceOf(KeyFileException.class)
                .hasMessageEndingWith("old is not in UTF-8");
    }

    @Test
    void theByteOrderMarkOfAnEditorIsNoPartOfAName() throws Exception {
        assertThat(read("\uFEFFalice:" + KEY + "\nbob:" + OTHER).users())
                .containsExactly("alice", "bob");
    }

    @Test
    void whatCannotBeReadIsNamed() {
        assertThatThrownBy(() -> PreSharedKeys.read(folder))
                .isInstanceOf(FileSystemException.class)
                .hasMessage("%s: Is a directory", folder);
        assertThatThrownBy(() -> PreSharedKeys.read(Path.of("/proc/self/mem")))
                .isInstanceOf(FileSystemException.class)
                .hasMessage("/proc/self/mem: Input/output error");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    alice | it is not NAME:KEY
                    00112233445566778899aabbccddeeff | it is not NAME:KEY
                    :00112233445566778899aabbccddeeff | there is no name of a user
                    alice: | the key of 'alice' is empty
                    alice:00112233445566778899aabbccddeef | the key of 'alice' has an odd number of hexadecimal digits
                    alice:00112233445566778899aabbccddeefg | the key of 'alice' has other characters than hexadecimal digits
                    alice:0011223344556677 | the key of 'alice': 8 bytes, less than 16; openssl rand -hex 32 makes a key
                    00112233445566778899aabbccddeeff:alice | what is before the colon is a key, and not the name of a user
                    00112233445566778899AABBCCDDEEFF:0011 | what is before the colon is a key, and not the name of a user
                    # from psktool | names in hexadecimal digits (#...) and comments are not supported
                    bob:00112233445566778899aabbccddeeff | the user 'bob' has a key on line 1
                    """)
    void whatIsWrongIsSaidWithFileAndLineAndWithoutTheKey(String line, String why) {
        assertThatThrownBy(() -> read("bob:" + OTHER + "\n\n" + line))
                .isInstanceOf(KeyFileException.class)
                .hasMessage("%s/keys.psk, line 3: %s", folder, why)
                .hasNoCause()
                .message()
                .doesNotContain("0011")
                .doesNotContain(OTHER);
    }

    @Test
    void aFileWithoutKeysIsNone() {
        assertThatThrownBy(() -> read("\n")).hasMessageEndingWith("keys.psk has no key in it");
        assertThatThrownBy(() -> PreSharedKeys.read(Path.of("/dev/zero")))
                .hasMessage("/dev/zero is too large for a file of keys");
        assertThatThrownBy(() -> PreSharedKeys.read(folder.resolve("none")))
                .isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void keysOfAProgramAreCheckedToo() {
        assertThatThrownBy(() -> PreSharedKeys.of(Map.of()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> PreSharedKeys.of(Map.of("a:b", new byte[32])))
                .hasMessageContaining("colon");
        assertThatThrownBy(() -> PreSharedKeys.of(Map.of("alice", new byte[15])))
                .hasMessageContaining("15 bytes");
        assertThatThrownBy(() -> PreSharedKeys.of(Map.of("alice", new byte[16])).ofClient("bob"))
                .hasMessageContaining("no key of the user 'bob'");
    }

    @Test
    void keysAreNotPrinted() throws Exception {
        assertThat(read("alice:" + KEY)).hasToString("pre-shared keys of 1 users");
    }
}
