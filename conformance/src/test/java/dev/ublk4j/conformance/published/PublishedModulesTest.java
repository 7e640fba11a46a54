package dev.ublk4j.conformance.published;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class PublishedModulesTest {
    private static final Pattern OURS =
            Pattern.compile("<artifactId>ublk4j-([a-z0-9]+)</artifactId>");
    private static final Pattern VERSION = Pattern.compile("<version>([^<]+)</version>");
    private static final Pattern EXAMPLE_VERSION =
            Pattern.compile("<ublk4j\\.version>([^<]+)</ublk4j\\.version>");

    private final Path root = PublishedModules.root();

    @Test
    void theBomListsEachModuleThatIsDeployedAndNoOther() {
        String bom = PublishedModules.pom(root.resolve("bom"));
        String managed = bom.substring(bom.indexOf("<dependencyManagement>"));
        assertThat(PublishedModules.matches(OURS, managed))
                .containsExactlyInAnyOrderElementsOf(PublishedModules.withClasses());
    }

    @Test
    void whatIsDeployedDependsOnNothingThatIsNot() {
        List<String> published = PublishedModules.withClasses();
        for (String module : published) {
            String pom = PublishedModules.pom(root.resolve(module));
            Pattern dependency =
                    Pattern.compile(
                            "<artifactId>ublk4j-([a-z0-9]+)</artifactId></dependency>",
                            Pattern.DOTALL);
            assertThat(PublishedModules.matches(dependency, pom))
                    .as("dependencies of %s that users need", module)
                    .isSubsetOf(published);
        }
    }

    @Test
    void theExamplesAskForTheVersionOfThisTree() throws IOException {
        String version = PublishedModules.matches(VERSION, PublishedModules.pom(root)).getFirst();
        List<String> asked;
        try (Stream<Path> poms = Files.walk(root.resolve("examples"), 2)) {
            asked =
                    poms.filter(file -> file.endsWith("pom.xml"))
                            .map(PublishedModules::text)
                            .flatMap(pom -> PublishedModules.matches(EXAMPLE_VERSION, pom).stream())
                            .toList();
        }
        assertThat(asked).isNotEmpty().containsOnly(version);
    }

    @Test
    void theRingCanBeUsedByWhoHasNeverHeardOfUblk() throws IOException {
        Pattern ublk = Pattern.compile("(?i)ublk(?!4j)");
        try (Stream<Path> files = Files.walk(root.resolve("uring/src/main"))) {
            assertThat(files.filter(Files::isRegularFile))
                    .isNotEmpty()
                    .noneMatch(file -> ublk.matcher(PublishedModules.text(file)).find());
        }
    }
}
