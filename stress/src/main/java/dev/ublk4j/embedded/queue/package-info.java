/** Races of copies that meet a commit. */
package dev.ublk4j.embedded.queue;
