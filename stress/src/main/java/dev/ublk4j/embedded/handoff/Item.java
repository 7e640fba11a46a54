package dev.ublk4j.embedded.handoff;

/** What a test puts into an {@link Inbox}. */
final class Item extends Link {
    private final int digit;

    Item(int digit) {
        this.digit = digit;
    }

    /** {@return the digits of a list that was taken, the first item's first; 0 for none} */
    static int digits(Item list) {
        int digits = 0;
        for (Item item = list; item != null; item = Inbox.after(item)) {
            digits = 10 * digits + item.digit;
        }
        return digits;
    }
}
