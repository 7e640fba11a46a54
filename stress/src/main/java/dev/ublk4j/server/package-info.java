/** Races of the server: answers to a tag, and shared buffers that come and go. */
package dev.ublk4j.server;
