package dev.ublk4j.guest;

import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import dev.ublk4j.vhostuser.VhostUserExport;
import dev.ublk4j.vhostuser.VhostUserOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One boot of a guest: the process of its kernel, and the exports of its disks.
 *
 * <p>One thread at a time asks; any thread may {@link #close}.
 */
final class Machine implements AutoCloseable {
    /** What the guest prints in a line at most; longer ones are cut. */
    private static final int LONGEST_LINE = 16 * 1024;

    /** Commands up to so many bytes are sent in a line, and need no file. */
    private static final int SHORT_COMMAND = 1000;

    /** What an alarm takes: 68 years. */
    private static final long MOST_SECONDS = Integer.MAX_VALUE;

    private static final int MOST_COMMAND = 100_000;

    /** How much later than a command the guest may be with its answer. */
    private static final Duration GRACE = Duration.ofSeconds(15);

    /** How long the console of a kernel that has died may take to be read. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(5);

    /** How a guest begins to say why it gives up. */
    private static final String FAILED = "failed ";

    private static final HexFormat HEX = HexFormat.of();

    private final GuestOptions options;
    private final GuestFolder folder;
    private final Marks marks;
    private final List<VhostUserExport> exports = new ArrayList<>();
    private final Keeper keeper;
    private final Tail console = new Tail();
    private final Replies replies = new Replies();
    private final Thread consoleReader;
    private final Thread listener;
    private @Nullable FileChannel line;
    private int asked;
    private boolean isClosed;

    private Machine(GuestKernel kernel, GuestOptions options, GuestFolder folder)
            throws IOException {
        this.options = options;
        this.folder = folder;
        this.marks = new Marks(options.marks());
        try {
            for (int i = 0; i < options.disks().size(); i++) {
                exports.add(export(options.disks().get(i), i));
            }
            keeper = Keeper.start(kernel, options, folder.path());
        } catch (Throwable e) {
            closeExports();
            throw e;
        }
        Keeper running = keeper;
        consoleReader = daemon("guest-console", () -> console.follow(running.console()));
        listener =
                daemon(
                        "guest-line",
                        () -> replies.listen(running.line(), LONGEST_LINE, this::heard));
    }

    private static Thread daemon(String name, Runnable task) {
        return Thread.ofPlatform().daemon().name(name).start(task);
    }

    /**
     * Boots a guest.
     *
     * @throws GuestException when it does not boot; then nothing of it is left
     */
    static Machine boot(GuestOptions options) throws InterruptedException {
        GuestKernel kernel = GuestKernel.get();
        Machine machine;
        try {
            GuestFolder folder = GuestFolder.create(kernel, options);
            try {
                machine = new Machine(kernel, options, folder);
            } catch (Throwable e) {
                folder.delete();
                throw e;
            }
        } catch (IOException e) {
            throw new GuestException("cannot start a guest", e);
        }
        try {
            machine.awaitReady();
            return machine;
        } catch (Throwable e) {
            machine.close();
            throw e;
        }
    }

    private VhostUserExport export(Target disk, int number) {
        Path socket = folder.path().resolve(GuestFolder.socket(number));
        return VhostUserExport.start(
                disk,
                DeviceOptions.defaults().withQueues(1),
                VhostUserOptions.at(socket).withSerial("guest-" + number));
    }

    /** Takes a line of the guest; returns whether it answers something. */
    private boolean heard(String text) {
        if (text.startsWith("mark ")) {
            marks.hear(text.substring("mark ".length()));
            // Any program of the guest can write to the line; such noise must not end it.
            return false;
        }
        if (text.startsWith("done ") || text.startsWith(FAILED) || text.equals("ready")) {
            return true;
        }
        // What the kernel says before it has a console.
        byte[] bytes = (text + "\n").getBytes(StandardCharsets.UTF_8);
        console.add(bytes, bytes.length);
        return false;
    }

    private void awaitReady() throws InterruptedException {
        String reply = replies.take(Deadline.in(options.bootLimit()));
        if (reply == null) {
            throw failure("the guest did not boot within %s".formatted(options.bootLimit()));
        }
        if (!reply.equals("ready")) {
            throw failure(
                    reply.isEmpty()
                            ? "the guest has died while it booted"
                            : "the guest cannot boot: " + reply.substring(FAILED.length()));
        }
        try {
            // The kernel has it open, so that this does not wait.
            line = FileChannel.open(folder.path().resolve("in"), StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new GuestException("the guest cannot be talked to", e);
        }
    }

    private GuestException failure(String what) throws InterruptedException {
        if (!isAlive()) {
            // Why it died is what it has said last, which another thread may be reading yet.
            boolean _ = consoleReader.join(LAST_WORDS);
        }
        String said = console.toString();
        return new GuestException(
                said.isEmpty() ? what : "%s; the last of its console:%n%s".formatted(what, said));
    }

    /** {@return whether the kernel runs} */
    boolean isAlive() {
        return !replies.hasEnded();
    }

    /**
     * Runs a command.
     *
     * @throws GuestException when it does not end in time, or the guest dies
     */
    CommandResult run(String command, Duration limit) throws InterruptedException {
        byte[] text = command.getBytes(StandardCharsets.UTF_8);
        if (text.length > MOST_COMMAND) {
            throw new IllegalArgumentException(
                    "a command has %d bytes at most, not %d".formatted(MOST_COMMAND, text.length));
        }
        String sent = HEX.formatHex(text);
        if (text.length > SHORT_COMMAND) {
            write("command." + (asked + 1), text);
            sent = "-";
        }
        long seconds = Math.clamp(bounded(limit).plusMillis(999).toSeconds(), 1, MOST_SECONDS);
        Answer answer = ask("run", "%d %s".formatted(seconds, sent), Duration.ofSeconds(seconds));
        if (answer.status().equals("late")) {
            throw new GuestException(
                    "the command did not end within %d s: %s%nit has printed:%n%s"
                            .formatted(seconds, command, answer.string()));
        }
        int status = Integer.parseInt(answer.status());
        return new CommandResult(command, status, answer.text(), answer.bytes());
    }

    private static Duration bounded(Duration limit) {
        return limit.compareTo(Deadline.FOREVER) > 0 ? Deadline.FOREVER : limit;
    }

    private void write(String name, byte[] text) {
        try {
            Files.write(folder.path().resolve(name), text);
        } catch (IOException e) {
            throw new GuestException("the guest cannot be talked to", e);
        }
    }

    /** Mounts a disk without a program. */
    void mount(int disk, String where, String type, String data) throws InterruptedException {
        String arguments = "%d %s %s %s".formatted(disk, hex(where), hex(type), hex(data));
        call("mount", arguments, "%s of disk %d at %s".formatted(type, disk, where));
    }

    /** Unmounts a file system without a program. */
    void unmount(String where) throws InterruptedException {
        call("unmount", hex(where), where);
    }

    /** {@return the content of a file} */
    byte[] read(String file) throws InterruptedException {
        Answer answer = call("read", hex(file), file);
        if (answer.bytes() > answer.text().length) {
            throw new GuestException(
                    "%s has %d bytes, more than the limit of output: %d"
                            .formatted(file, answer.bytes(), options.outputLimit()));
        }
        return answer.text();
    }

    private static String hex(String text) {
        return HEX.formatHex(text.getBytes(StandardCharsets.UTF_8));
    }

    private Answer call(String what, String arguments, String object) throws InterruptedException {
        Answer answer = ask(what, arguments, options.commandLimit());
        int errno = answer.errno();
        if (errno != 0) {
            throw new LinuxException(what, object, -errno, "in the guest");
        }
        return answer;
    }

    /** {@return whether the guest does not use a disk} */
    boolean eject(int disk) throws InterruptedException {
        return ask("eject", Integer.toString(disk), options.commandLimit()).errno() == 0;
    }

    /** {@return whether the guest has forgotten what it knows of a disk} */
    boolean insert(int disk) throws InterruptedException {
        return ask("insert", Integer.toString(disk), options.commandLimit()).errno() == 0;
    }

    /**
     * What the guest has answered.
     *
     * @param status an exit status or an errno
     * @param bytes how long the text is before it was cut
     */
    @SuppressWarnings("ArrayRecordComponent") // passed on, not compared
    private record Answer(String status, long bytes, byte[] text) {
        int errno() {
            return Integer.parseInt(status);
        }

        String string() {
            return new String(text, StandardCharsets.UTF_8);
        }
    }

    private Answer ask(String what, String arguments, Duration limit) throws InterruptedException {
        int number = ++asked;
        send("%s %d %s\n".formatted(what, number, arguments));
        Deadline deadline = Deadline.in(bounded(limit).plus(GRACE));
        String expected = "done %d ".formatted(number);
        while (true) {
            String reply = replies.take(deadline);
            if (reply == null) {
                String late = marks.isStuck() ? "receiver of marks" : "guest";
                close();
                throw failure(
                        "the %s did not answer within %s, and was ended".formatted(late, limit));
            }
            if (reply.isEmpty()) {
                throw isClosed()
                        ? new GuestException("the guest's power was cut")
                        : failure("the guest has died");
            }
            if (reply.startsWith(FAILED)) {
                throw failure("the guest has ended: " + reply.substring(FAILED.length()));
            }
            if (reply.startsWith(expected)) {
                marks.check();
                return answer(number, reply.substring(expected.length()));
            }
        }
    }

    private Answer answer(int number, String reply) {
        try {
            String[] words = reply.split(" ", -1);
            byte[] text =
                    words[2].equals("-")
                            ? Files.readAllBytes(folder.path().resolve("output." + number))
                            : HEX.parseHex(words[2]);
            return new Answer(words[0], Long.parseLong(words[1]), text);
        } catch (IOException | IllegalArgumentException | IndexOutOfBoundsException e) {
            throw new GuestException("the guest cannot be understood: " + reply, e);
        }
    }

    private void send(String text) {
        FileChannel open = Objects.requireNonNull(line, "it has booted");
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
        try {
            while (bytes.hasRemaining()) {
                int _ = open.write(bytes);
            }
        } catch (IOException _) {
            // It has ended, which its answer tells.
        }
    }

    /**
     * Has the guest unmount what it has mounted and switch itself off.
     *
     * @throws GuestException when it does not in time; then it has been ended
     */
    void powerOff() throws InterruptedException {
        Deadline deadline = Deadline.in(options.commandLimit());
        try {
            send("off %d\n".formatted(++asked));
            String reply = replies.take(deadline);
            while (reply != null && !reply.isEmpty()) {
                reply = replies.take(deadline);
            }
            if (reply == null) {
                throw failure("the guest did not switch itself off in time, and was ended");
            }
        } finally {
            close();
        }
    }

    private synchronized boolean isClosed() {
        return isClosed;
    }

    /** Ends the kernel at once, and lets go of the disks. A second call does nothing. */
    @Override
    public synchronized void close() {
        if (isClosed) {
            return;
        }
        isClosed = true;
        keeper.end(() -> !listener.isAlive() || marks.isStuck());
        marks.end(listener);
        closeExports();
        closeLine();
        folder.delete();
    }

    private void closeLine() {
        FileChannel open = line;
        if (open != null) {
            try {
                open.close();
            } catch (IOException _) {
                // It has carried all that it was for.
            }
        }
    }

    private void closeExports() {
        for (VhostUserExport export : exports) {
            export.close();
        }
    }

    /** {@return the process that keeps the kernel; for tests} */
    ProcessHandle keeper() {
        return keeper.process();
    }

    /** {@return its folder on the host; for tests} */
    Path folder() {
        return folder.path();
    }

    @Override
    public String toString() {
        return "guest at " + folder.path();
    }
}
