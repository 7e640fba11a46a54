package dev.ublk4j.conformance.rules;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Does something as another user: on a thread, since the kernel keeps users by thread. */
final class OtherUser {
    /** A number that is nobody's. */
    static final int UID = 54_321;

    private static final int SETRESUID = "amd64".equals(System.getProperty("os.arch")) ? 117 : 147;

    private OtherUser() {}

    /** {@return what something answers that is done by another user} */
    static <T> T run(Supplier<T> action) throws Exception {
        assumeTrue(Syscall.call(Syscall.Call.GETUID, 0, 0, 0) == 0, "only root can become another");
        CompletableFuture<T> answer = new CompletableFuture<>();
        Thread.ofPlatform()
                .daemon()
                .start(() -> {
                    try {
                        become();
                        answer.complete(action.get());
                    } catch (Throwable e) {
                        answer.completeExceptionally(e);
                    }
                });
        return answer.get(SharedDevice.LONG.toSeconds(), TimeUnit.SECONDS);
    }

    /** The C library's function would change every thread of the process. */
    @SuppressWarnings("restricted")
    private static void become() throws Throwable {
        Linker linker = Linker.nativeLinker();
        var number = ValueLayout.JAVA_LONG;
        long answer =
                (long)
                        linker.downcallHandle(
                                        linker.defaultLookup().findOrThrow("syscall"),
                                        FunctionDescriptor.of(
                                                number, number, number, number, number),
                                        Linker.Option.firstVariadicArg(1))
                                .invokeExact((long) SETRESUID, (long) UID, (long) UID, (long) UID);
        if (answer != 0) {
            throw new AssertionError("setresuid");
        }
    }
}
