package dev.ublk4j.rbd;

import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetProvider;
import java.nio.file.Path;
import java.util.List;

/** Makes targets of the kind {@code rbd} for who finds them by name. */
public final class RbdProvider implements TargetProvider {
    /** Makes the provider; the service loader does so. */
    public RbdProvider() {}

    @Override
    public String name() {
        return "rbd";
    }

    @Override
    public String description() {
        return "an image of Ceph RBD: POOL/IMAGE[@SNAPSHOT] [CONFIGURATION [USER]]";
    }

    @Override
    public Target create(List<String> arguments) {
        if (arguments.isEmpty() || arguments.size() > 3) {
            throw new IllegalArgumentException(description());
        }
        RbdOptions options = RbdOptions.defaults();
        if (arguments.size() > 1) {
            options = options.withConfiguration(Path.of(arguments.get(1)));
        }
        if (arguments.size() > 2) {
            options = options.withUser(arguments.get(2));
        }
        return RbdTarget.open(RbdImageName.parse(arguments.getFirst()), options);
    }
}
