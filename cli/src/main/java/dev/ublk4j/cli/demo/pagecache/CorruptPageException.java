package dev.ublk4j.cli.demo.pagecache;

/** A page that was read is not what was written. */
public final class CorruptPageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    CorruptPageException(long page, String why) {
        super("page %d is corrupt: %s".formatted(page, why));
    }
}
