/**
 * What to adopt of the memory of processes that hand nothing over, and what has become of it. A
 * {@link dev.ublk4j.sharing.SharingServer} does it.
 */
@NullMarked
package dev.ublk4j.sharing.adopt;

import org.jspecify.annotations.NullMarked;
