/**
 * The rules of a ublk driver, each class a chapter: what control commands answer and in which order
 * they check, what io commands answer, how a device lives and dies, what becomes of a request, and
 * how shared memory is registered and matched.
 *
 * <p>Where the kernel does something surprising, the rule is what the kernel does, and says why.
 */
@NullMarked
package dev.ublk4j.conformance.rules;

import org.jspecify.annotations.NullMarked;
