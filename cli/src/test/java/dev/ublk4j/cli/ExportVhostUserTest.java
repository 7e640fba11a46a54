package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code export vhost-user} with sockets that it is started with. */
class ExportVhostUserTest {
    /** Opens two sockets, starts the command, asks for features over each and ends it. */
    private static final String PARENT =
            """
            import os, socket, struct, subprocess, sys
            folder, words = sys.argv[1], sys.argv[2:]
            names = ["a", "b"]
            listening = []
            for name in names:
                s = socket.socket(socket.AF_UNIX)
                s.bind(os.path.join(folder, name))
                s.listen(4)
                listening.append(s)
            pid = os.fork()
            if pid == 0:
                high = [s.fileno() for s in listening]
                for i, fd in enumerate(high):
                    os.dup2(fd, 20 + i, inheritable=False)
                for i in range(2):
                    os.dup2(20 + i, 3 + i)
                os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="a:b")
                os.execv(words[0], words)
            for s in listening: s.close()
            for name in names:
                c = socket.socket(socket.AF_UNIX)
                c.connect(os.path.join(folder, name))
                c.sendall(struct.pack("<III", 24, 1, 24) + struct.pack("<III", 0, 12, 0) + bytes(12))
                data = b""
                while len(data) < 32:
                    more = c.recv(32 - len(data))
                    if not more: sys.exit("it has ended")
                    data += more
                print(name, struct.unpack_from("<Q", data, 24)[0])
                c.close()
            os.kill(pid, 15)
            print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            print("left", sorted(n for n in os.listdir(folder) if n in names))
            """;

    @TempDir Path folder;

    private String serve(String arguments) throws Exception {
        assumeTrue(
                Program.shell(folder, "command -v python3").status() == 0,
                "python3 is not installed");
        Path script = Files.writeString(folder.resolve("parent.py"), PARENT);
        String java = String.join(" ", Program.words());
        Program parent =
                Program.shell(
                        folder,
                        "python3 %s %s %s export vhost-user %s"
                                .formatted(script, folder, java, arguments));
        assertThat(parent.status()).as(parent.err()).isZero();
        return parent.out();
    }

    @Test
    void socketsOfAServiceManagerAreForTheTargetsInOrderAndStay() throws Exception {
        assertThat(serve("-q 1 memory 1M memory 2M"))
                .contains("a 2048\n", "b 4096\n", "status 0\n", "left ['a', 'b']");
    }

    @Test
    void socketsAreTakenByNumberAndByName() throws Exception {
        assertThat(serve("-q 1 --fd b --fd 3 memory 1M memory 2M"))
                .contains("b 2048\n", "a 4096\n", "status 0\n");
    }
}
