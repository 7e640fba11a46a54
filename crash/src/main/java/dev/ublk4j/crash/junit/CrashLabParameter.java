package dev.ublk4j.crash.junit;

import dev.ublk4j.crash.CrashLab;
import dev.ublk4j.crash.CrashOptions;
import dev.ublk4j.crash.DiskModel;
import java.time.Duration;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** Makes the lab of a {@link CrashTest}. */
final class CrashLabParameter implements ParameterResolver {
    private static final ExtensionContext.Namespace NAMESPACE =
            ExtensionContext.Namespace.create(CrashLabParameter.class);

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == CrashLab.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        CrashTest test = context.getRequiredTestMethod().getAnnotation(CrashTest.class);
        // The store closes what it holds when the test has ended. What is called before the test
        // has the same lab.
        return context.getStore(NAMESPACE)
                .computeIfAbsent(
                        parameter.getIndex(), _ -> CrashLab.create(options(test)), CrashLab.class);
    }

    private static CrashOptions options(CrashTest test) {
        DiskModel model =
                switch (test.cache()) {
                    case VOLATILE -> DiskModel.volatileCache();
                    case ORDERED -> DiskModel.orderedCache();
                    case NONE -> DiskModel.noCache();
                };
        return CrashOptions.defaults()
                .withSize(test.size())
                .withImages(test.images())
                .withSeed(test.seed())
                .withTimeLimit(Duration.ofMillis(test.timeLimitMillis()))
                .withCheckLimit(Duration.ofMillis(test.checkLimitMillis()))
                .with(model.tearingAt(test.tearingAt()));
    }
}
