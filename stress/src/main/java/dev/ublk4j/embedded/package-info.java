/** Races of the embedded driver: inboxes, going to sleep, and copies that meet a commit. */
package dev.ublk4j.embedded;
