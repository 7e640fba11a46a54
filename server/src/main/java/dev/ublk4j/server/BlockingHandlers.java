package dev.ublk4j.server;

/** A queue of a {@link BlockingTarget}: calls its methods on virtual threads. */
final class BlockingHandlers implements TargetQueue {
    private final Handlers handlers;
    private final Queue queue;

    BlockingHandlers(Handlers handlers, Queue queue) {
        this.handlers = handlers;
        this.queue = queue;
    }

    @Override
    public void submit(Request request) {
        long id = request.id();
        Thread.ofVirtual()
                .name(queue + "-" + request.tag())
                .start(() -> new CurrentRequest(queue, id).call(() -> call(request, id)));
    }

    private void call(Request request, long id) {
        int result;
        try {
            result = handlers.call(request);
        } catch (Throwable e) {
            result = queue.failures().resultOf(e, request);
        }
        if (result != Request.PENDING && !queue.answer(id, result)) {
            handlers.complain(id, request);
        }
    }
}
