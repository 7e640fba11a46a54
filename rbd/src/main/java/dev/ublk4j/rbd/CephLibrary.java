package dev.ublk4j.rbd;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;

/** Ceph's two client libraries, as far as they are installed. */
@SuppressWarnings("restricted") // loads libraries: the reason this class exists
final class CephLibrary {
    private static final String RADOS = "librados.so.2";
    private static final String RBD = "librbd.so.1";

    /** The youngest of the functions that are called; Ceph 15 has it. */
    private static final String YOUNGEST = "rbd_aio_write_zeroes";

    private CephLibrary() {}

    static SymbolLookup rados() {
        return load(RADOS, "librados2");
    }

    static SymbolLookup rbd() {
        return load(RBD, "librbd1");
    }

    /** Loads a library that a package of Debian and of Fedora has. */
    static SymbolLookup load(String file, String packageName) {
        try {
            return SymbolLookup.libraryLookup(file, Arena.global());
        } catch (IllegalArgumentException e) {
            throw new MissingLibraryException(
                    ("Ceph's library %s is not installed; to install it: sudo apt-get install %s, or dnf"
                                    + " install %s")
                            .formatted(file, packageName, packageName),
                    e);
        }
    }

    /**
     * Sees to it that the libraries are there, and new enough.
     *
     * @throws MissingLibraryException when they are not
     */
    static void require() {
        SymbolLookup _ = rados();
        requireYoung(rbd());
    }

    /** As {@link #require}, of a library that has been found. */
    static void requireYoung(SymbolLookup rbd) {
        if (rbd.find(YOUNGEST).isEmpty()) {
            throw new MissingLibraryException(
                    "%s is too old: it has no %s, which came with Ceph 15; install librbd1 of Ceph 15 or later"
                            .formatted(RBD, YOUNGEST));
        }
    }
}
