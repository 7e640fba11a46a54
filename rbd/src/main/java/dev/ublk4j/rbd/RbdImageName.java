package dev.ublk4j.rbd;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The name of an image, as Ceph's programs write it: {@code POOL/IMAGE}, with {@code @SNAPSHOT} for
 * how it was, or {@code POOL/NAMESPACE/IMAGE}.
 *
 * @param pool the pool
 * @param namespace the pool's namespace, empty for the one without a name
 * @param image the image
 * @param snapshot the snapshot, null for the image as it is
 */
public record RbdImageName(String pool, String namespace, String image, @Nullable String snapshot) {
    /** The longest name of each of the four, in characters. */
    private static final int LONGEST = 255;

    private static final Pattern TEXT =
            Pattern.compile("([^/@]+)/(?:([^/@]+)/)?([^/@]+)(?:@([^/@]+))?");

    /** Checks the names. */
    public RbdImageName {
        require("pool", pool);
        require("image", image);
        if (!namespace.isEmpty()) {
            require("namespace", namespace);
        }
        if (snapshot != null) {
            require("snapshot", snapshot);
        }
    }

    private static void require(String what, String name) {
        if (name.isEmpty() || name.length() > LONGEST || name.matches(".*[/@\\x00-\\x1f].*")) {
            throw new IllegalArgumentException(
                    "the name of a %s has 1 to %d characters without / and @: '%s'"
                            .formatted(what, LONGEST, name));
        }
    }

    /**
     * {@return the name that a text is}
     *
     * @throws IllegalArgumentException when it is none
     */
    public static RbdImageName parse(String text) {
        Matcher parts = TEXT.matcher(text);
        if (!parts.matches()) {
            throw new IllegalArgumentException(
                    "'%s' is no POOL/IMAGE, POOL/NAMESPACE/IMAGE or POOL/IMAGE@SNAPSHOT"
                            .formatted(text));
        }
        String namespace = parts.group(2);
        return new RbdImageName(
                parts.group(1), namespace == null ? "" : namespace, parts.group(3), parts.group(4));
    }

    /**
     * {@return the same in a namespace}
     *
     * @throws IllegalArgumentException when it is in another
     */
    public RbdImageName in(String other) {
        if (!namespace.isEmpty() && !namespace.equals(other)) {
            throw new IllegalArgumentException(
                    "the namespace is given twice: %s and %s".formatted(namespace, other));
        }
        return new RbdImageName(pool, other, image, snapshot);
    }

    /** {@return the same as it is now, and not as it was} */
    RbdImageName now() {
        return new RbdImageName(pool, namespace, image, null);
    }

    /** {@return the pool, and the namespace where it has a name} */
    String place() {
        return namespace.isEmpty() ? pool : pool + "/" + namespace;
    }

    @Override
    public String toString() {
        return place() + "/" + image + (snapshot == null ? "" : "@" + snapshot);
    }
}
