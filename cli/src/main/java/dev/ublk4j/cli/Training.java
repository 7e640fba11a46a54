package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Json;
import dev.ublk4j.cli.output.StandardOutput;
import dev.ublk4j.cli.output.Table;
import dev.ublk4j.cli.serve.ControlClient;
import dev.ublk4j.cli.serve.DevicePlan;
import dev.ublk4j.cli.serve.Foreground;
import dev.ublk4j.cli.serve.RunFolder;
import dev.ublk4j.cli.serve.ServedDevice;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Enumeration;
import java.util.List;
import java.util.Locale;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

/**
 * What the launcher has the JVM remember in its AOT cache: a program that does what commands and
 * servers do, on the embedded driver, so that their classes are loaded and linked, those too that
 * the JVM makes of method handles which are called often. It changes nothing, and needs no
 * privilege.
 */
public final class Training {
    private static final int REQUESTS = 5_000;
    private static final int BLOCK = 4096;
    private static final long DEVICE_BYTES = 1 << 20;

    /** To {@link DeviceInfo#request}: the driver chooses the number. */
    private static final int ANY = -1;

    private static final DeviceParams.Basic BASIC =
            new DeviceParams.Basic(0, 9, 12, 12, 12, BLOCK >> 9, 0, DEVICE_BYTES >> 9, 0);

    private static final String WORD_OF_SERVER =
            """
            {"id":0,"pid":1,"start_ticks":1,"target":"null","queues":1,"depth":1,"max_io":4096,\
            "size":1048576,"block_size":512,"read_only":false,"since":"2000-01-01T00:00:00.5Z",\
            "log":"/run/ublk/0.log","words":["null"]}\
            """;

    /** Command lines that are common; those of devices are not executed. */
    private static final List<List<String>> COMMANDS =
            List.of(
                    List.of("list"),
                    List.of("list", "--json"),
                    List.of("doctor", "--json"),
                    List.of("--version"));

    private static final List<List<String>> PARSED =
            List.of(
                    List.of("list", "--json", "0"),
                    List.of("del", "0"),
                    List.of("stop", "0"),
                    List.of("stat", "--json"));

    private Training() {}

    /**
     * Does it.
     *
     * @param arguments {@code commands} for those that ask and go, {@code server} for those that
     *     serve: what a cache holds is loaded by everybody who uses it
     */
    public static void main(String[] arguments) throws Exception {
        Locale.setDefault(Locale.ROOT);
        if (arguments[0].equals("server")) {
            server();
        } else {
            commands();
        }
        System.exit(0);
    }

    private static void commands()
            throws IOException, ReflectiveOperationException, URISyntaxException {
        for (List<String> command : COMMANDS) {
            int _ = Invocation.run(command.toArray(String[]::new));
        }
        for (List<String> command : PARSED) {
            String[] words = command.toArray(String[]::new);
            var _ = Invocation.commandLineFor(words).parseArgs(words);
        }
        loadWhatCannotBeRun();
        readDevice();
    }

    /** What a list says of a device: without the kernel's driver the command gets nowhere near. */
    private static void readDevice() {
        Control control = new Control(EmbeddedDriver.create());
        DeviceInfo asked = DeviceInfo.request(ANY, 1, 1, BLOCK, Feature.USER_COPY.mask());
        int id = control.add(asked).deviceId();
        control.setParams(id, DeviceParams.of(BASIC));
        DeviceParams.Basic basic = control.params(id).basic();
        ServedDevice served = ServedDevice.parse(WORD_OF_SERVER);
        DeviceRow row = new DeviceRow(control.info(id), basic, null, served, false);
        Table table = new Table(DeviceRow.HEADINGS);
        table.row(row.cells());
        table.print(StandardOutput.writer());
        String _ = Json.text(row::write);
        FeaturesCommand.print(control.featureBits(), StandardOutput.writer());
        control.delete(id);
        useRing();
    }

    /** Containers often have no io_uring: commands are not served there, and start all the same. */
    private static void useRing() {
        try (Ring ring = Ring.open(RingOptions.defaults())) {
            ring.submitAndWait(0, 1);
        } catch (LinuxException e) {
            System.err.println(e.getMessage());
        }
    }

    private static void server()
            throws IOException, ReflectiveOperationException, URISyntaxException {
        loadWhatCannotBeRun();
        Path folder = Files.createTempDirectory("ublk4j-training");
        try {
            Path disk = Files.write(folder.resolve("disk.img"), new byte[(int) DEVICE_BYTES]);
            serve(folder, "add", "null", "--size", Long.toString(DEVICE_BYTES));
            serve(folder, "add", "file", disk.toString());
        } finally {
            delete(folder);
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> below = Files.walk(folder)) {
            for (Path path : below.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    /** The kernel's driver may not be here, and a device of its is not to be added. */
    private static void loadWhatCannotBeRun()
            throws IOException, ReflectiveOperationException, URISyntaxException {
        for (Class<?> some : List.of(KernelDriver.class, Ring.class, Control.class)) {
            Path jar = Path.of(some.getProtectionDomain().getCodeSource().getLocation().toURI());
            if (!Files.isRegularFile(jar)) {
                continue; // a folder of classes, as tests have it
            }
            try (JarFile classes = new JarFile(jar.toFile())) {
                for (Enumeration<JarEntry> all = classes.entries(); all.hasMoreElements(); ) {
                    String name = all.nextElement().getName();
                    if (name.endsWith(".class") && !name.endsWith("-info.class")) {
                        String type = name.substring(0, name.length() - ".class".length());
                        Class<?> _ =
                                Class.forName(type.replace('/', '.'), false, some.getClassLoader());
                    }
                }
            }
        }
    }

    private static void serve(Path folder, String... words) throws IOException {
        CommandLine command = Invocation.commandLineFor(words);
        ParseResult add = command.parseArgs(words).subcommand();
        Object kind = add.subcommand().commandSpec().userObject();
        DevicePlan plan = ((AddCommand) add.commandSpec().userObject()).plan((TargetKind) kind);
        RunFolder left = new RunFolder(folder.resolve("run"));
        EmbeddedDriver driver = EmbeddedDriver.create();
        Foreground.serve(
                plan,
                left,
                null,
                () -> driver,
                device -> {
                    use(driver, device.id());
                    String _ = ServedDevice.parse(device.json()).path();
                    var _ = new ControlClient(left, device.name()).stat();
                    new Control(driver).stop(device.id());
                });
    }

    private static void use(EmbeddedDriver driver, int id) {
        try (Arena arena = Arena.ofConfined();
                Disk disk = driver.openBlock(id)) {
            MemorySegment data = arena.allocate(BLOCK, BLOCK);
            for (int i = 0; i < REQUESTS; i++) {
                long position = (long) i * BLOCK % DEVICE_BYTES;
                long _ = i % 2 == 0 ? disk.read(data, position) : disk.write(data, position);
            }
            long _ = disk.flush();
        }
    }
}
