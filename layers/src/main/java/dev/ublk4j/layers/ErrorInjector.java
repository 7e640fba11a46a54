package dev.ublk4j.layers;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Another target, some of whose requests fail without getting there: a disk that breaks. */
public final class ErrorInjector extends Layer {
    /**
     * Which requests fail, and how: those of some operations that touch a range, every so many.
     * Start from {@link #always} and restrict it.
     */
    public static final class Rule {
        private final Errno errno;
        private final Set<Operation> operations;
        private final long from;
        private final long to;
        private final long every;

        private Rule(Errno errno, Set<Operation> operations, long from, long to, long every) {
            this.errno = errno;
            this.operations = operations;
            this.from = from;
            this.to = to;
            this.every = every;
        }

        /** {@return a rule for all requests} */
        public static Rule always(Errno errno) {
            return new Rule(errno, EnumSet.allOf(Operation.class), 0, Long.MAX_VALUE, 1);
        }

        /** {@return the same for some operations alone} */
        public Rule on(Operation first, Operation... others) {
            return new Rule(errno, EnumSet.of(first, others), from, to, every);
        }

        /**
         * {@return the same for requests that touch a range alone}
         *
         * @param begin first byte of the device
         * @param end the byte behind the last
         * @throws IllegalArgumentException for a range of none
         */
        public Rule within(long begin, long end) {
            if (begin < 0 || begin >= end) {
                throw new IllegalArgumentException(
                        "no bytes lie from %d to %d".formatted(begin, end));
            }
            return new Rule(errno, operations, begin, end, every);
        }

        /**
         * {@return the same for one of every {@code count} of these requests}
         *
         * @throws IllegalArgumentException for less than 1
         */
        public Rule every(long count) {
            if (count < 1) {
                throw new IllegalArgumentException("every %d is none".formatted(count));
            }
            return new Rule(errno, operations, from, to, count);
        }

        private boolean names(Request request) {
            return operations.contains(request.operation())
                    && (request.operation() == Operation.FLUSH
                            || (request.offset() < to && request.end() > from));
        }
    }

    private final Rule rule;

    /** Requests that the rule names, of all queues. */
    private final AtomicLong named = new AtomicLong();

    private volatile boolean enabled = true;

    /**
     * Has requests of a target fail.
     *
     * @param target belongs to the layer from now on, also when this throws
     */
    public ErrorInjector(Target target, Rule rule) {
        super(List.of(target), List::getFirst);
        this.rule = rule;
    }

    /** Lets all requests pass, or has the rule count again; from any thread. */
    public void setEnabled(boolean whether) {
        enabled = whether;
    }

    @Override
    protected TargetQueue open(Queue queue, List<TargetQueue> below) {
        TargetQueue leg = below.getFirst();
        return request -> {
            if (enabled && rule.names(request) && named.incrementAndGet() % rule.every == 0) {
                request.complete(rule.errno.negated());
            } else {
                leg.submit(request);
            }
        };
    }

    @Override
    public <A> @Nullable A ability(Class<A> type) {
        return legs().getFirst().ability(type);
    }
}
