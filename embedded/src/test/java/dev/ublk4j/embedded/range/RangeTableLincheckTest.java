package dev.ublk4j.embedded.range;

/** The tree alone. */
public class RangeTableLincheckTest extends RangeTableOperations {
    /** Begins as Lincheck wants it, with a new table. */
    public RangeTableLincheckTest() {
        super(new RangeTable());
    }
}
