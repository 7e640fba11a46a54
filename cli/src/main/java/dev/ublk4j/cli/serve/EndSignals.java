package dev.ublk4j.cli.serve;

import java.lang.System.Logger.Level;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/**
 * SIGTERM and SIGINT as the proper end of a process, rather than as the signal that killed it: it
 * ends in order, with status 0, as other servers of NBD and vhost-user do.
 *
 * <p>The JVM ends with 128 and the signal's number. What changes that, {@code sun.misc.Signal}, is
 * a supported interface of {@code jdk.unsupported} that the compiler warns of in a way that cannot
 * be turned off, so it is looked up.
 */
final class EndSignals {
    private static final System.Logger LOG = System.getLogger(EndSignals.class.getName());

    private EndSignals() {}

    /** Has the process end with status 0 from now on when it is told to end. */
    static void endWell() {
        for (String name : new String[] {"TERM", "INT"}) {
            try {
                handle(name, () -> System.exit(0));
            } catch (ReflectiveOperationException e) {
                // Another JVM's, or one that was started with -Xrs.
                LOG.log(Level.DEBUG, () -> "SIG" + name + " ends with the status of the JVM", e);
            }
        }
    }

    private static void handle(String name, Runnable action) throws ReflectiveOperationException {
        Class<?> signal = Class.forName("sun.misc.Signal");
        Class<?> handler = Class.forName("sun.misc.SignalHandler");
        Object ending =
                Proxy.newProxyInstance(
                        EndSignals.class.getClassLoader(),
                        new Class<?>[] {handler},
                        (proxy, method, arguments) -> {
                            if (method.getDeclaringClass() == Object.class) {
                                return method.invoke(action, arguments);
                            }
                            action.run();
                            return null;
                        });
        try {
            signal.getMethod("handle", signal, handler)
                    .invoke(null, signal.getConstructor(String.class).newInstance(name), ending);
        } catch (InvocationTargetException e) {
            // Of -Xrs, and of signals that the JVM uses itself.
            throw new ReflectiveOperationException(e.getCause());
        }
    }
}
