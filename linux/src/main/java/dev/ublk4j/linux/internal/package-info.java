/**
 * What else the modules of ublk4j ask Linux for, and nobody else needs: locks, limits, status of
 * files.
 */
@NullMarked
package dev.ublk4j.linux.internal;

import org.jspecify.annotations.NullMarked;
