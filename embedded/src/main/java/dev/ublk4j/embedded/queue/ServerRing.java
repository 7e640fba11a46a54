package dev.ublk4j.embedded.queue;

import dev.ublk4j.embedded.block.BlockRequest;

/** The ring of a queue thread, as those meet it who bring it something. Any thread. */
public interface ServerRing {
    /** Brings a request for a tag that came over the ring; false once the ring is closed. */
    boolean offer(BlockRequest request);

    /** Has the thread look for requests that wait for a fetch of any ring. */
    void deliver();

    /** Has the thread give the commands of its idle tags back. */
    void cancelCommands();

    /** {@return how the data of the ring's requests has travelled so far} */
    DataTally counters();
}
