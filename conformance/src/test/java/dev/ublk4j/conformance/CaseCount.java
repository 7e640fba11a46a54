package dev.ublk4j.conformance;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestWatcher;

/** Says at the end of a lane how many cases it has kept. */
final class CaseCount implements TestWatcher, AfterAllCallback {
    private static final Map<Class<?>, AtomicInteger> KEPT = new ConcurrentHashMap<>();

    private static Class<?> lane(ExtensionContext context) {
        Class<?> suite = context.getRequiredTestClass();
        return suite.getEnclosingClass() == null ? suite : suite.getEnclosingClass();
    }

    @Override
    public void testSuccessful(ExtensionContext context) {
        KEPT.computeIfAbsent(lane(context), suite -> new AtomicInteger()).incrementAndGet();
    }

    @Override
    public void afterAll(ExtensionContext context) {
        Class<?> suite = context.getRequiredTestClass();
        @Nullable AtomicInteger kept = KEPT.get(suite);
        if (kept != null) {
            System.out.printf("%s: %d cases kept%n", suite.getSimpleName(), kept.get());
        }
    }
}
