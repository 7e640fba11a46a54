/** The text that says what a target is made of: read, written, and turned into words. */
@NullMarked
package dev.ublk4j.cli.spec;

import org.jspecify.annotations.NullMarked;
