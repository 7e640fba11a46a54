package dev.ublk4j.cli.serve;

/** What speaks a protocol to clients, on behalf of devices of the embedded driver. */
public interface Front extends AutoCloseable {
    /**
     * {@return where clients find a device, in the words that they are given}
     *
     * @param index the device, in the order in which the front was given them
     */
    String address(int index);

    /** Ends every connection; no request is under way when this returns. */
    @Override
    void close();
}
