package dev.ublk4j.conformance.fuzz;

/**
 * One operation. It makes sense in any order with others: what cannot be done says so, and what
 * would wait for something that no other step brings is left out.
 */
interface Step {
    /** {@return what came of it, in words that are the same for drivers that do the same} */
    String run(World world);
}
