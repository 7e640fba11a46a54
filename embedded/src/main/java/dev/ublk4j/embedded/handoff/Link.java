package dev.ublk4j.embedded.handoff;

import org.jspecify.annotations.Nullable;

/** What stands in at most one {@link Inbox} or list at a time, without a node of its own. */
public abstract class Link {
    /** The next in the list; belongs to whoever has the list. */
    @Nullable Link next;
}
