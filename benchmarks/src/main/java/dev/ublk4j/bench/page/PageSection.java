package dev.ublk4j.bench.page;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A part of a page that lies between two comments, {@code NAME} and {@code end of NAME}. */
public final class PageSection {
    private PageSection() {}

    /**
     * Puts something else between the comments.
     *
     * @throws IllegalArgumentException when the page does not have both
     */
    public static void replace(Path page, String name, String markdown) throws IOException {
        String before = "<!-- %s -->\n".formatted(name);
        String text = Files.readString(page);
        int begin = text.indexOf(before);
        int end = text.indexOf("<!-- end of %s -->\n".formatted(name));
        if (begin < 0 || end < begin) {
            throw new IllegalArgumentException("%s has no place for %s".formatted(page, name));
        }
        Files.writeString(
                page, text.substring(0, begin + before.length()) + markdown + text.substring(end));
    }
}
