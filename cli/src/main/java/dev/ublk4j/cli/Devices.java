package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedSet;
import java.util.TreeSet;

/** The numbers of all ublk devices of this machine, whoever serves them. */
final class Devices {
    private static final String CHAR_DEVICE = "ublkc";

    private Devices() {}

    /** {@return the numbers, lowest first} */
    static SortedSet<Integer> all() {
        return in(Path.of("/dev"));
    }

    static SortedSet<Integer> in(Path folder) {
        SortedSet<Integer> numbers = new TreeSet<>();
        try (DirectoryStream<Path> nodes =
                Files.newDirectoryStream(folder, CHAR_DEVICE + "[0-9]*")) {
            for (Path node : nodes) {
                String number = node.getFileName().toString().substring(CHAR_DEVICE.length());
                if (number.matches("\\d{1,9}")) {
                    numbers.add(Integer.parseInt(number));
                }
            }
        } catch (IOException e) {
            throw new Failure("cannot read the folder " + folder, e);
        }
        return numbers;
    }
}
