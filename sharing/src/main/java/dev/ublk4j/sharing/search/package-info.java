/** Finds processes, and which of their mappings could be adopted. */
@NullMarked
package dev.ublk4j.sharing.search;

import org.jspecify.annotations.NullMarked;
