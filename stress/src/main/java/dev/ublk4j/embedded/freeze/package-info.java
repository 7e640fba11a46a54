/** Races at the freeze gate: entering, leaving, being turned away, and the end. */
package dev.ublk4j.embedded.freeze;
