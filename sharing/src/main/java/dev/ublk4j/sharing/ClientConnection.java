package dev.ublk4j.sharing;

import dev.ublk4j.handover.BufferEntry;
import dev.ublk4j.handover.Exchange;
import dev.ublk4j.handover.Frame;
import dev.ublk4j.handover.HandoverException;
import dev.ublk4j.handover.Hello;
import dev.ublk4j.handover.MessageStream;
import dev.ublk4j.handover.MessageStream.Outcome;
import dev.ublk4j.handover.Registered;
import dev.ublk4j.handover.Request;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Peer;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Iterator;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** One application's connection, served on a thread of its own. */
final class ClientConnection implements BufferHolder {
    private static final System.Logger LOG = System.getLogger(ClientConnection.class.getName());

    private static final Duration FOR_EVER = Duration.ofSeconds(-1);

    /** What is left free of a reply for the last entry of a list and its header. */
    private static final int LIST_HEADER_BYTES = 8;

    private final MessageStream stream;
    private final Peer peer;
    private final boolean administers;
    private final int device;
    private final Registry registry;
    private final Supplier<Map<String, Long>> counters;
    private final SharingOptions options;
    private final Fd stop;

    /**
     * Takes over a connection.
     *
     * @param administers whether it may do what concerns others
     * @param stop can be read when the server stops
     */
    ClientConnection(
            MessageStream stream,
            Peer peer,
            boolean administers,
            int device,
            Registry registry,
            Supplier<Map<String, Long>> counters,
            SharingOptions options,
            Fd stop) {
        this.stream = stream;
        this.peer = peer;
        this.administers = administers;
        this.device = device;
        this.registry = registry;
        this.counters = counters;
        this.options = options;
        this.stop = stop;
    }

    /** Serves the application until it ends, is late, or the server stops. */
    void serve() {
        try (stream) {
            Outcome outcome = speak();
            LOG.log(Level.DEBUG, () -> this + " ends: " + outcome);
            if (outcome != Outcome.STOPPED) {
                registry.releaseAll(this);
            }
        } catch (Throwable e) {
            // Whatever it was: nobody else takes its buffers back.
            try {
                LOG.log(Level.DEBUG, () -> this + " was dropped", e);
            } finally {
                registry.releaseAll(this);
            }
        }
    }

    private Outcome speak() {
        // No more than a hello: what follows it is the first message, with its own descriptor.
        Outcome begun = stream.readSome(Exchange.HELLO_BYTES, options.patience());
        if (begun != Outcome.DONE) {
            return begun;
        }
        if (stream.descriptors() > 0) {
            return exchangeSimply();
        }
        boolean isHello = Hello.mayBegin(stream.in(), stream.in().position());
        return isHello ? greet() : answerStatus(Errno.EPROTO.negated());
    }

    private Outcome exchangeSimply() {
        int answer = registerSimply();
        Outcome outcome = answerStatus(answer);
        if (answer < 0 || outcome != Outcome.DONE) {
            return outcome;
        }
        // The application reads an end, as it does from a server that closes; it may close, too,
        // and go on using its buffer.
        stream.socket().endOutput();
        outcome = awaitEndOfProcess();
        return outcome == Outcome.DONE ? stream.awaitEnd(FOR_EVER) : outcome;
    }

    private int registerSimply() {
        if (stream.descriptors() != 1) {
            return Errno.EINVAL.negated();
        }
        try {
            Request.Register request = new Request.Register(0, 0, 0, "");
            registry.pace(peer, administers, stop);
            SharedMemory memory = SharedMemory.adopt(stream.takeDescriptor());
            return registry.register(memory, request, null, peer, this).index();
        } catch (LinuxException e) {
            LOG.log(Level.DEBUG, () -> "%s: %s".formatted(this, e.getMessage()));
            return -e.number();
        } catch (OutOfMemoryError e) {
            return Errno.ENOMEM.negated();
        }
    }

    private Outcome awaitEndOfProcess() {
        try (Fd process = stream.socket().peerProcess();
                Poll poll = new Poll(stop, process)) {
            poll.await(FOR_EVER);
            return poll.seen(0) != 0 ? Outcome.STOPPED : Outcome.DONE;
        } catch (LinuxException e) {
            // It has ended already.
            LOG.log(Level.DEBUG, () -> this + " has no process any more", e);
            return Outcome.DONE;
        }
    }

    private Outcome answerStatus(int status) {
        stream.out().clear().putInt(status).flip();
        return stream.write(options.patience());
    }

    private Outcome greet() {
        Outcome outcome = stream.readUpTo(Exchange.HELLO_BYTES, options.patience());
        if (outcome != Outcome.DONE) {
            return outcome;
        }
        Hello hello = Hello.getOrNull(stream.in().flip());
        if (hello == null || hello.version() < Exchange.VERSION || stream.descriptors() > 0) {
            return answerStatus(Errno.EPROTO.negated());
        }
        new Hello(Exchange.VERSION, device).put(stream.out().clear());
        stream.out().flip();
        outcome = stream.write(options.patience());
        while (outcome == Outcome.DONE) {
            outcome = awaitMessage();
            if (outcome == Outcome.DONE) {
                outcome = serveMessage();
            }
        }
        return outcome;
    }

    private Outcome awaitMessage() {
        return stream.awaitInput(registry.hasAny(this) ? FOR_EVER : options.idle());
    }

    private Outcome serveMessage() {
        stream.clear();
        Outcome outcome = stream.readUpTo(Exchange.HEADER_BYTES, options.patience());
        if (outcome != Outcome.DONE) {
            return outcome;
        }
        Frame frame = Frame.get(stream.in().flip());
        stream.in().clear().position(Exchange.HEADER_BYTES);
        outcome = stream.readUpTo(frame.length(), options.patience());
        if (outcome != Outcome.DONE) {
            return outcome;
        }
        stream.in().flip().position(Exchange.HEADER_BYTES);
        answer(frame);
        outcome = stream.write(options.patience());
        stream.clear();
        return outcome;
    }

    private void answer(Frame frame) {
        ByteBuffer out = stream.out();
        try {
            Request request = Request.get(frame.type(), stream.in());
            if (stream.descriptors() != (request.hasDescriptor() ? 1 : 0)) {
                throw refused(
                        Errno.EINVAL,
                        "%d descriptors with the request".formatted(stream.descriptors()));
            }
            frame.answer(out, perform(request));
        } catch (HandoverException e) {
            frame.refuse(out, -e.number(), e.text());
        } catch (LinuxException e) {
            frame.refuse(out, -e.number(), String.valueOf(e.getMessage()));
        } catch (OutOfMemoryError e) {
            frame.refuse(out, Errno.ENOMEM.negated(), "the server is out of memory");
        }
    }

    private Consumer<ByteBuffer> perform(Request request) {
        if (request instanceof Request.Register || request instanceof Request.Unregister) {
            registry.pace(peer, administers, stop);
        }
        return switch (request) {
            case Request.Register register -> register(register)::put;
            case Request.Claim claim -> claim(claim)::put;
            case Request.Unregister unregister -> {
                registry.unregister(unregister.index(), this::sees);
                yield out -> {};
            }
            case Request.ListBuffers list -> out -> putList(list.first(), out);
            case Request.Stat _ -> {
                Map<String, Long> now = counters.get();
                yield out -> Frame.putCounters(out, now);
            }
        };
    }

    private Registered register(Request.Register request) {
        if ((request.flags() & (Exchange.KEEP | Exchange.TRUSTED)) != 0) {
            requireAdministrator();
        }
        SharedMemory memory = SharedMemory.adopt(stream.takeDescriptor());
        return registry.register(memory, request, null, peer, this).registered();
    }

    private Registered claim(Request.Claim request) {
        try (SharedMemory memory = SharedMemory.adopt(stream.takeDescriptor())) {
            HandedBuffer buffer = registry.find(request);
            if (!administers && buffer.from().uid() != peer.uid()) {
                throw refused(Errno.ENOENT, "there is no such buffer");
            }
            if (!buffer.identity().equals(memory.identity())) {
                throw refused(Errno.ESTALE, buffer + " is other memory");
            }
            if (!buffer.tryHold(this)) {
                throw refused(Errno.EBUSY, buffer + " belongs to a connection");
            }
            return buffer.registered();
        }
    }

    private void requireAdministrator() {
        if (!administers) {
            throw refused(
                    Errno.EPERM,
                    "only root, the user of the server and the owner of the device may use KEEP"
                            + " and TRUSTED");
        }
    }

    private boolean sees(HandedBuffer buffer) {
        return administers || buffer.isHeldBy(this);
    }

    private void putList(int first, ByteBuffer out) {
        int start = out.position();
        out.position(start + LIST_HEADER_BYTES);
        Iterator<BufferEntry> entries = registry.list(first, this, this::sees);
        int next = Exchange.NO_INDEX;
        int count = 0;
        while (entries.hasNext() && next == Exchange.NO_INDEX) {
            BufferEntry entry = entries.next();
            if (entry.fits(out)) {
                entry.put(out);
                count++;
            } else {
                next = entry.index();
            }
        }
        out.putInt(start, next).putInt(start + Integer.BYTES, count);
    }

    private static HandoverException refused(Errno errno, String text) {
        return new HandoverException("request", "connection", errno.negated(), text);
    }

    @Override
    public String toString() {
        return "connection of process %d, user %d".formatted(peer.pid(), peer.uid());
    }
}
