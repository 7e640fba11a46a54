/**
 * TLS with pre-shared keys, which the JDK lacks, as an {@code SSLContext}.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.psk.PreSharedKeys#read}: a file of keys becomes a
 * context, which goes where one with certificates goes.
 *
 * <p><b>What is offered.</b> TLS 1.3 with an external key (RFC 8446, {@code psk_dhe_ke}), and for
 * older peers TLS 1.2 with ECDHE-PSK and DHE-PSK (RFC 4279, RFC 5487, RFC 5489). All of them have
 * forward secrecy: who gets hold of a key later reads nothing of what was recorded before. There
 * are no certificates, no sessions that are resumed and no early data.
 *
 * <p><b>Who does what.</b> Bouncy Castle has the protocol, and the JDK the cryptography. Here are
 * the keys, which peers they are for ({@code PskServer}, {@code PskClient}), and the form of the
 * JDK ({@code PskEngine}). Classes of Bouncy Castle are loaded when the first context is made.
 */
@NullMarked
package dev.ublk4j.psk;

import org.jspecify.annotations.NullMarked;
