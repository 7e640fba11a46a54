/** The commands to a driver, each a method. */
@NullMarked
package dev.ublk4j.driver.control;

import org.jspecify.annotations.NullMarked;
