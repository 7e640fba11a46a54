package dev.ublk4j.sharing.search;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.sharedmemory.process.ProcessMemory;
import dev.ublk4j.sharing.adopt.AdoptionRule;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LookoutTest {
    @Test
    void whatHasBecomeAnotherProgramSinceItWasDueDoesNotFitAnyMore() throws Exception {
        Process program = new ProcessBuilder("bash", "-c", "read; exec sleep 1000").start();
        int pid = (int) program.pid();
        Lookout lookout = new Lookout(new AdoptionRule(Set.of("bash"), Set.of(), Set.of()));
        try (ProcessMemory process = ProcessMemory.open(pid)) {
            while (!process.command().equals("bash")) {
                Thread.onSpinWait();
            }
            assertThat(lookout.due(System.nanoTime())).contains(pid);
            assertThat(lookout.fits(process)).isTrue();
            end(program);
            while (process.command().equals("bash")) {
                Thread.onSpinWait();
            }
            assertThat(lookout.fits(process)).isFalse();
        } finally {
            program.destroyForcibly().waitFor();
        }
    }

    private static void end(Process program) throws IOException {
        try (OutputStream line = program.getOutputStream()) {
            line.write('\n');
        }
    }
}
