package dev.ublk4j.psk;

import java.security.Principal;
import org.bouncycastle.tls.SecurityParameters;

/**
 * What both sides have agreed on.
 *
 * @param protocol as the JDK names it
 * @param suite as the JDK names it
 * @param user whose key it is
 */
record Agreed(String protocol, String suite, User user) {
    static Agreed of(SecurityParameters parameters, String user) {
        return new Agreed(
                Suites.name(parameters.getNegotiatedVersion()),
                Suites.name(parameters.getCipherSuite()),
                new User(user));
    }

    /** Somebody who shares a key. */
    record User(String name) implements Principal {
        @Override
        public String getName() {
            return name;
        }
    }
}
