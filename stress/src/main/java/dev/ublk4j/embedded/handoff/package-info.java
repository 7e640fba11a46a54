/** Races of inboxes, and of going to sleep. */
package dev.ublk4j.embedded.handoff;
