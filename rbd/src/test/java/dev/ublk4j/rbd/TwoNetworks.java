package dev.ublk4j.rbd;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A network for a cluster and one for its client, joined by a cable that can be pulled out. Nothing
 * of it is seen by the rest of the machine, and all of it ends with this process, which holds the
 * standard input of the processes that it lives in.
 */
final class TwoNetworks implements AutoCloseable {
    /** What the cluster listens on. */
    static final String CLUSTER = "10.213.0.1";

    private static final String CLIENT = "10.213.0.2";
    private static final long GIVE_UP_SECONDS = 10;

    private final Process cluster;
    private final Process client;

    private TwoNetworks(Process cluster, Process client) {
        this.cluster = cluster;
        this.client = client;
    }

    /** Makes them. A test is skipped where they cannot be made, which takes root. */
    static TwoNetworks make() {
        try {
            assumeTrue(
                    succeeds("unshare", "--net", "ip", "link", "set", "lo", "up"),
                    "networks cannot be made: that takes root, unshare and ip");
            TwoNetworks made = new TwoNetworks(holder(), holder());
            try {
                made.wire();
                return made;
            } catch (Throwable e) {
                made.close();
                throw e;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean succeeds(String... command) {
        try {
            Process process =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start();
            return process.waitFor(GIVE_UP_SECONDS, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (IOException _) {
            return false;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** {@return a process in a network of its own} */
    private static Process holder() throws IOException {
        Process holder =
                new ProcessBuilder("unshare", "--net", "sh", "-c", "echo; exec cat").start();
        if (holder.getInputStream().read() < 0) {
            throw new IOException("a process in a network of its own has ended");
        }
        return holder;
    }

    private void wire() {
        ip(cluster, "link set lo up");
        ip(client, "link set lo up");
        ip(cluster, "link add cable type veth peer name cable netns " + client.pid());
        ip(cluster, "addr add %s/24 dev cable".formatted(CLUSTER));
        ip(client, "addr add %s/24 dev cable".formatted(CLIENT));
        ip(client, "link set cable up");
        join();
    }

    /** Pulls the cable out: what is sent is lost, and nobody is told. */
    void cut() {
        ip(cluster, "link set cable down");
    }

    /** Puts it back. */
    void join() {
        ip(cluster, "link set cable up");
    }

    /** {@return what runs a command where the cluster is} */
    List<String> besideCluster(String... command) {
        return in(cluster, List.of(command));
    }

    /** {@return what runs a command where the client is} */
    List<String> besideClient(List<String> command) {
        return in(client, command);
    }

    private static void ip(Process where, String words) {
        List<String> command = new ArrayList<>(List.of("ip"));
        command.addAll(List.of(words.split(" ")));
        String _ = TestCluster.output(in(where, command));
    }

    private static List<String> in(Process where, List<String> command) {
        List<String> whole =
                new ArrayList<>(
                        List.of("nsenter", "--net=/proc/%d/ns/net".formatted(where.pid()), "--"));
        whole.addAll(command);
        return whole;
    }

    @Override
    public void close() {
        boolean _ = cluster.toHandle().destroyForcibly();
        boolean _ = client.toHandle().destroyForcibly();
    }
}
