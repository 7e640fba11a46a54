package dev.ublk4j.vhostuser.ring;

/**
 * Places in a packed ring, counted over two laps and then from 0 again: the first lap is the one
 * whose wrap counter is 1.
 *
 * @param size entries of the ring
 */
record Laps(int size) {
    /** Of a descriptor: as the wrap counter when it is available, and when it is used. */
    static final int F_AVAIL = 1 << 7;

    /** Of a descriptor: unlike the wrap counter when it is available, like it when it is used. */
    static final int F_USED = 1 << 15;

    private static final int INDEX_MASK = 0x7fff;
    private static final int WRAP = 1 << 15;

    /** {@return the place some entries on, at most a lap} */
    int add(int place, int entries) {
        int sum = place + entries;
        return sum >= 2 * size ? sum - 2 * size : sum;
    }

    /** {@return how many entries there are from one place on to another} */
    int distance(int from, int to) {
        int difference = to - from;
        return difference < 0 ? difference + 2 * size : difference;
    }

    /** {@return the entry at a place} */
    int index(int place) {
        return place >= size ? place - size : place;
    }

    /** {@return the flags of an available descriptor at a place, those that tell that it is} */
    int available(int place) {
        return place < size ? F_AVAIL : F_USED;
    }

    /** {@return the flags of a used descriptor at a place, those that tell that it is} */
    int used(int place) {
        return place < size ? F_AVAIL | F_USED : 0;
    }

    /** {@return whether flags are those of a descriptor that is available at a place} */
    boolean isAvailable(int flags, int place) {
        return (flags & (F_AVAIL | F_USED)) == available(place);
    }

    /** {@return a place as both sides write it down: 15 bits of index, then the wrap counter} */
    int toWord(int place) {
        return index(place) | (place < size ? WRAP : 0);
    }

    /** {@return a place that the other side has written down, or -1 when it lies outside} */
    int ofWord(int word) {
        int index = word & INDEX_MASK;
        if (index >= size) {
            return -1;
        }
        return (word & WRAP) != 0 ? index : index + size;
    }
}
