/** Races of the range table: requests that are matched while buffers come and go. */
package dev.ublk4j.embedded.range;
