package dev.ublk4j.conformance.fuzz;

/**
 * A step whose command may have to wait for a request that the server holds, and whose sender gives
 * up before: the request is answered afterwards, and the command has its outcome then.
 */
record Impatient(Step step) implements Step {
    @Override
    public String run(World world) {
        world.impatient(true);
        try {
            return step.run(world);
        } finally {
            world.impatient(false);
        }
    }
}
