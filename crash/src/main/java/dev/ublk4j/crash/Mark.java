package dev.ublk4j.crash;

/**
 * A note that the program under test left in the history.
 *
 * @param at the instant at which it was left
 * @param text what it says
 */
record Mark(long at, Object text) {}
