package dev.ublk4j.nbd.wire;

/** What an export can tell of its parts, under the name by which clients ask for it. */
public enum MetaContext {
    /** Which parts hold nothing: {@code NBD_STATE_HOLE | NBD_STATE_ZERO}, else 0. */
    ALLOCATION(1, "base:allocation", 0, 3),

    /** Which parts have changed, as QEMU tells of a dirty bitmap: 1, else 0. */
    CHANGES(2, "qemu:dirty-bitmap:changes", 1, 0);

    private final int id;
    private final String text;
    private final int ofData;
    private final int ofRest;

    MetaContext(int id, String text, int ofData, int ofRest) {
        this.id = id;
        this.text = text;
        this.ofData = ofData;
        this.ofRest = ofRest;
    }

    /** {@return whether a query selects it} */
    public boolean isSelectedBy(String query) {
        return query.equals(text);
    }

    /** {@return whether a query of what there is means it: its name, or a namespace it is in} */
    public boolean isListedBy(String query) {
        return isSelectedBy(query) || (query.endsWith(":") && text.startsWith(query));
    }

    /** {@return the number by which a server of ours refers to it} */
    public int id() {
        return id;
    }

    /**
     * {@return the status of a part}
     *
     * @param isData whether it holds data, or has changed
     */
    public int status(boolean isData) {
        return isData ? ofData : ofRest;
    }

    /** {@return its name} */
    @Override
    public String toString() {
        return text;
    }
}
