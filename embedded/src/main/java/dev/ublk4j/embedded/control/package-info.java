/** The control commands: who may send them, what they ask for, and what is answered. */
@NullMarked
package dev.ublk4j.embedded.control;

import org.jspecify.annotations.NullMarked;
