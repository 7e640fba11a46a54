package dev.ublk4j.nbd;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Queue;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The way to an export, which is made again when it is lost: a thread that sends, and one that
 * receives while there is a session.
 *
 * <p>A request belongs to this until its reply has come or its time is up. Its memory is touched by
 * the two threads alone, and it ends without a reply only while neither is at work: when a session
 * has been cut and its receiver has ended.
 */
final class ClientConnection implements AutoCloseable {
    private static final System.Logger LOG = NbdTarget.LOG;

    private static final Duration FIRST_PAUSE = Duration.ofMillis(50);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);

    /** The cookie of no request: whoever sends looks around. */
    private static final long LOOK = 0;

    /** How many looks there are in the time that a reply may take. */
    private static final int LOOKS = 16;

    /** Makes sessions. */
    @FunctionalInterface
    interface Connector {
        ClientSession connect() throws IOException;
    }

    private final NbdUri uri;
    private final Connector connector;
    private final ClientHandshake.Export export;
    private final long patienceNanos;
    private final AtomicLong cookies = new AtomicLong();
    private final Map<Long, Exchange> waiting = new ConcurrentHashMap<>();

    /** Cookies of what is to be sent; {@link #LOOK} where there is something else to look at. */
    private final LinkedBlockingQueue<Long> toSend = new LinkedBlockingQueue<>();

    private final Thread sender;
    private volatile boolean closed;

    /** Queues whose requests are to be forgotten; guarded by itself. */
    private final List<Queue> leaving = new ArrayList<>();

    /** The session of the sender. */
    private volatile @Nullable ClientSession session;

    /**
     * Begins with a session, or with none yet.
     *
     * @param export what every session has to find
     * @param patience how long a request may take
     */
    ClientConnection(
            NbdUri uri,
            Connector connector,
            ClientHandshake.Export export,
            @Nullable ClientSession first,
            Duration patience,
            Threads threads) {
        this.uri = uri;
        this.connector = connector;
        this.export = export;
        this.patienceNanos = patience.toNanos();
        this.session = first;
        this.sender = threads.start("nbd-client-" + uri.export(), this::run);
    }

    /** Sends a request, and ends it when the reply is there; from the queue's thread. */
    void submit(
            Queue queue,
            long requestId,
            int command,
            int flags,
            long offset,
            long length,
            MemorySegment data) {
        long cookie = cookies.incrementAndGet();
        Exchange exchange =
                new Exchange(
                        queue,
                        requestId,
                        command,
                        flags,
                        offset,
                        length,
                        data,
                        cookie,
                        System.nanoTime() + patienceNanos,
                        done -> waiting.remove(done.cookie()));
        waiting.put(cookie, exchange);
        toSend.add(cookie);
    }

    private void run() {
        Duration pause = FIRST_PAUSE;
        boolean complained = false;
        while (!closed) {
            try (ClientSession current = session()) {
                pause = FIRST_PAUSE;
                complained = false;
                serve(current);
            } catch (IOException | LinuxException e) {
                session = null;
                String why = e.getMessage();
                Level level = complained ? Level.DEBUG : Level.WARNING;
                LOG.log(level, () -> "%s: %s; trying again".formatted(uri, why));
                complained = true;
            } catch (Throwable e) {
                session = null;
                LOG.log(Level.ERROR, uri + ": the connection has failed", e);
            }
            session = null;
            expire();
            forget();
            pause = pause(pause);
        }
        ClientSession unused = session;
        if (unused != null) {
            // Closed before this thread had begun.
            unused.cut();
            unused.close();
        }
        forget();
    }

    private Duration pause(Duration pause) {
        long until = System.nanoTime() + pause.toNanos();
        while (!closed && System.nanoTime() - until < 0 && !isAsked()) {
            try {
                Thread.sleep(FIRST_PAUSE);
            } catch (InterruptedException e) {
                LOG.log(Level.WARNING, uri + ": interrupted", e);
            }
        }
        Duration next = pause.multipliedBy(2);
        return next.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : next;
    }

    private boolean isAsked() {
        synchronized (leaving) {
            return !leaving.isEmpty();
        }
    }

    private ClientSession session() throws IOException {
        ClientSession current = session;
        if (current == null) {
            current = connector.connect();
            if (!current.export().equals(export)) {
                current.cut();
                current.close();
                throw new NbdRefusedException("the export has changed");
            }
            session = current;
        }
        return current;
    }

    private void serve(ClientSession current) throws IOException {
        Duration tick = Duration.ofNanos(Math.max(patienceNanos / LOOKS, 1_000_000));
        current.setPatience(tick.multipliedBy(LOOKS / 4));
        IOException[] failure = new IOException[1];
        Thread receiver =
                Thread.ofPlatform()
                        .daemon()
                        .name("nbd-client-receiver")
                        .start(() -> {
                            try {
                                current.receive(waiting::get, this::isAnyLate);
                            } catch (IOException e) {
                                failure[0] = e;
                            } finally {
                                toSend.add(LOOK);
                            }
                        });
        try {
            sendAgain();
            while (!closed && !current.isBroken() && !isAsked()) {
                Long cookie = toSend.poll(tick.toNanos(), TimeUnit.NANOSECONDS);
                Exchange next = cookie == null ? null : waiting.get(cookie);
                if (next != null) {
                    next.sent(System.nanoTime());
                    current.send(next);
                }
            }
            if (closed && waiting.isEmpty() && !current.isBroken()) {
                current.disconnect();
            }
        } catch (InterruptedException e) {
            LOG.log(Level.WARNING, uri + ": interrupted", e);
        } finally {
            current.cut();
            join(receiver);
        }
        if (!closed && !isAsked() && failure[0] != null) {
            throw failure[0];
        }
    }

    private static void join(Thread receiver) {
        while (receiver.isAlive()) {
            try {
                receiver.join();
            } catch (InterruptedException e) {
                LOG.log(Level.WARNING, "interrupted while a connection ends", e);
            }
        }
    }

    /** Sends what has been sent before, in the order in which it was asked for. */
    private void sendAgain() {
        toSend.clear();
        List<Exchange> all = new ArrayList<>(waiting.values());
        all.sort(Comparator.comparingLong(Exchange::cookie));
        all.forEach(each -> {
            each.sent(0);
            toSend.add(each.cookie());
        });
    }

    /** {@return whether a request was sent long ago} */
    private boolean isAnyLate() {
        long now = System.nanoTime();
        for (Exchange each : waiting.values()) {
            long sent = each.sentNanos();
            if (sent != 0 && now - sent > patienceNanos / 2) {
                return true;
            }
        }
        return false;
    }

    /** Ends requests whose time is up, while there is no session. */
    private void expire() {
        long now = System.nanoTime();
        for (Exchange each : List.copyOf(waiting.values())) {
            if (now - each.deadlineNanos() >= 0 && waiting.remove(each.cookie()) != null) {
                each.expire();
            }
        }
    }

    private void forget() {
        synchronized (leaving) {
            waiting.values().removeIf(each -> closed || leaving.contains(each.queue()));
            leaving.clear();
            leaving.notifyAll();
        }
    }

    /** Lets go of the requests of a queue that ends, and returns when nobody touches them. */
    void forget(Queue queue) {
        if (waiting.values().stream().noneMatch(each -> each.queue() == queue)) {
            return;
        }
        synchronized (leaving) {
            leaving.add(queue);
            toSend.add(LOOK);
            boolean interrupted = false;
            while (leaving.contains(queue) && sender.isAlive()) {
                try {
                    leaving.wait(FIRST_PAUSE.toMillis());
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Disconnects. No queue is left. */
    @Override
    public void close() {
        closed = true;
        toSend.add(LOOK);
        boolean interrupted = false;
        while (sender.isAlive()) {
            try {
                sender.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
