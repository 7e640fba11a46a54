package dev.ublk4j.sharing.search;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.sharedmemory.process.ProcessMemory;
import dev.ublk4j.sharing.adopt.AdoptionRule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("A rule of what to adopt")
class RuleFitTest {
    private static final String UNIT = "/system.slice/postgresql.service";

    @ParameterizedTest
    @CsvSource({
        "/system.slice/postgresql.service, true",
        "system.slice/postgresql.service/, true",
        "/sys/fs/cgroup/system.slice, true",
        "postgresql.service, true",
        "/, true",
        "/system.slice/postgresql, false",
        "postgresql, false",
        "/postgresql.service, false",
    })
    void fitsAControlGroupAndThoseBelowItAndAUnitByItsName(String cgroup, boolean fits) {
        assertThat(RuleFit.isInside(UNIT, cgroup)).isEqualTo(fits);
    }

    @Test
    void fitsAProcessToWhichEveryConditionApplies() {
        String file = ProcessHandle.current().info().command().orElseThrow();
        String name = file.substring(file.lastIndexOf('/') + 1);
        try (ProcessMemory self = ProcessMemory.open((int) ProcessHandle.current().pid())) {
            int user = self.uid();
            assertThat(fits(self, Set.of(name), Set.of())).isTrue();
            assertThat(fits(self, Set.of("other", file), Set.of(user))).isTrue();
            assertThat(fits(self, Set.of(name), Set.of(user + 1))).isFalse();
            assertThat(fits(self, Set.of("/bin/" + name + "-other"), Set.of())).isFalse();
            assertThat(fits(self, Set.of(), Set.of(user))).isTrue();
            assertThat(new RuleFit(AdoptionRule.none()).fits(self)).isFalse();
        }
    }

    @Test
    void fitsAProgramWhoseFileHasBeenReplacedSinceItsStart(@TempDir Path folder)
            throws IOException {
        Path file = Files.copy(Path.of("/bin/sleep"), folder.resolve("program"));
        assertThat(file.toFile().setExecutable(true)).isTrue();
        Process program = new ProcessBuilder(file.toString(), "1000000").start();
        try (ProcessMemory process = ProcessMemory.open((int) program.pid())) {
            Files.delete(file);
            assertThat(fits(process, Set.of(file.toString()), Set.of())).isTrue();
            assertThat(fits(process, Set.of("program"), Set.of())).isTrue();
        } finally {
            program.destroyForcibly().onExit().join();
        }
    }

    private static boolean fits(ProcessMemory process, Set<String> programs, Set<Integer> users) {
        return new RuleFit(new AdoptionRule(programs, Set.of(), users)).fits(process);
    }

    @Test
    void isAskedForAProcessRarelyOnceItIsOldAndNeverForThisOne() {
        try (ProcessMemory self = ProcessMemory.open((int) ProcessHandle.current().pid())) {
            Lookout lookout = new Lookout(new AdoptionRule(Set.of(), Set.of(), Set.of(self.uid())));
            ProcessHandle parent = ProcessHandle.current().parent().orElseThrow();
            int pid = (int) parent.pid();
            long second = 1_000_000_000L;
            List<Integer> first = lookout.due(0);
            assertThat(first).contains(pid).doesNotContain(self.pid());
            assertThat(lookout.due(second / 2)).doesNotContain(pid);
            assertThat(lookout.due(second)).contains(pid);
            assertThat(lookout.due(2 * second)).doesNotContain(pid);
            assertThat(lookout.due(100 * second)).contains(pid);
        }
    }
}
