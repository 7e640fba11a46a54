package dev.ublk4j.cli.serve;

import dev.ublk4j.sharing.store.BufferLedger;
import dev.ublk4j.sharing.store.BufferStore;
import dev.ublk4j.sharing.store.DescriptorStore;
import dev.ublk4j.sharing.store.SystemdStore;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * Where it is noted what a device shares. Memory without a name is kept by systemd where this
 * process is a service with a descriptor store, and by a process of ours elsewhere.
 */
final class BufferStores {
    private BufferStores() {}

    /** {@return a store for a new device, which has nothing of an older one with its number} */
    static BufferStore begin(RunFolder folder, int device) {
        try {
            if (hasSystemd()) {
                forgetOlder(device);
            } else {
                KeeperProcess.begin(folder.keeperSocket(device), device);
            }
            return of(device, BufferLedger.begin(folder.ledger(device)), folder);
        } catch (IOException e) {
            throw unusable(folder, e);
        }
    }

    private static void forgetOlder(int device) {
        SystemdStore store = systemd(device);
        store.take()
                .forEach((key, descriptor) -> {
                    descriptor.close();
                    store.remove(key);
                });
    }

    private static SystemdStore systemd(int device) {
        return SystemdStore.of(System.getenv(), ProcessHandle.current().pid(), device);
    }

    /** {@return the store of a device's former server} */
    static BufferStore goOn(RunFolder folder, int device) {
        try {
            if (!hasSystemd()) {
                KeeperProcess.goOn(folder.keeperSocket(device), device);
            }
            return of(device, BufferLedger.open(folder.ledger(device)), folder);
        } catch (IOException e) {
            throw unusable(folder, e);
        }
    }

    private static boolean hasSystemd() {
        return SystemdStore.isThere(System.getenv());
    }

    private static BufferStore of(int device, BufferLedger ledger, RunFolder folder) {
        DescriptorStore descriptors =
                hasSystemd() ? systemd(device) : KeeperProcess.store(folder.keeperSocket(device));
        return BufferStore.of(device, ledger, descriptors);
    }

    private static UncheckedIOException unusable(RunFolder folder, IOException cause) {
        return new UncheckedIOException("cannot record in " + folder + " what is shared", cause);
    }
}
