/** What others depend on: the artifacts, and the types that they may use. */
@NullMarked
package dev.ublk4j.conformance.published;

import org.jspecify.annotations.NullMarked;
