package dev.ublk4j.embedded.range;

/** With a word for every frame in front of the tree. */
public class DenseRangeTableLincheckTest extends RangeTableOperations {
    /** Begins as Lincheck wants it, with a new table. */
    public DenseRangeTableLincheckTest() {
        super(new RangeTable(1));
    }
}
