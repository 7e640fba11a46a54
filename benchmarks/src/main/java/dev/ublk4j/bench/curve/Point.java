package dev.ublk4j.bench.curve;

import java.util.List;

/**
 * One load, measured.
 *
 * @param target null, memory or file
 * @param write whether the load writes, rather than reads
 * @param mode how the data came
 * @param blockBytes bytes of each read or write of the application
 * @param bytes bytes moved
 * @param requests requests that the server saw; more than the application's where they were cut
 * @param hits those that nobody copied
 * @param nanos how long
 * @param machineCpu seconds that the processors were busy, whoever kept them so
 * @param serverCpu seconds of the server's process among them
 * @param clientCpu seconds of the application's process among them
 */
record Point(
        String target,
        boolean write,
        Mode mode,
        int blockBytes,
        long bytes,
        long requests,
        long hits,
        long nanos,
        double machineCpu,
        double serverCpu,
        double clientCpu) {
    private static final double MIB = 1 << 20;
    private static final double GIB = 1 << 30;

    double mibPerSecond() {
        return bytes / MIB * 1e9 / nanos;
    }

    double cpuPerGib() {
        return machineCpu / (bytes / GIB);
    }

    double serverCpuPerGib() {
        return serverCpu / (bytes / GIB);
    }

    double clientCpuPerGib() {
        return clientCpu / (bytes / GIB);
    }

    String line() {
        return String.join(
                "\t",
                List.of(
                        target,
                        Boolean.toString(write),
                        mode.name(),
                        Integer.toString(blockBytes),
                        Long.toString(bytes),
                        Long.toString(requests),
                        Long.toString(hits),
                        Long.toString(nanos),
                        Double.toString(machineCpu),
                        Double.toString(serverCpu),
                        Double.toString(clientCpu)));
    }

    static Point of(String line) {
        String[] fields = line.split("\t", -1);
        return new Point(
                fields[0],
                Boolean.parseBoolean(fields[1]),
                Mode.parse(fields[2]),
                Integer.parseInt(fields[3]),
                Long.parseLong(fields[4]),
                Long.parseLong(fields[5]),
                Long.parseLong(fields[6]),
                Long.parseLong(fields[7]),
                Double.parseDouble(fields[8]),
                Double.parseDouble(fields[9]),
                Double.parseDouble(fields[10]));
    }
}
