/**
 * The raw system calls, and names of files as the kernel takes them: for the modules of ublk4j
 * only.
 */
@NullMarked
package dev.ublk4j.linux.call;

import org.jspecify.annotations.NullMarked;
