/**
 * Serving a device from a process, and knowing afterwards which process that is.
 *
 * <p>A {@link dev.ublk4j.cli.serve.DevicePlan} says what is to be served. {@link
 * dev.ublk4j.cli.serve.Foreground} serves it in this process; {@link
 * dev.ublk4j.cli.serve.Background} starts this very command once more, in a session of its own, and
 * waits for its {@link dev.ublk4j.cli.serve.Report}. Whoever serves keeps a {@link
 * dev.ublk4j.cli.serve.ServedDevice} in the {@link dev.ublk4j.cli.serve.RunFolder} for as long as
 * it does, and answers other processes at a {@link dev.ublk4j.cli.serve.ControlSocket}.
 *
 * <p>{@link dev.ublk4j.cli.serve.ExportServer} serves plans over the embedded driver and lets
 * clients in by a {@link dev.ublk4j.cli.serve.Front}.
 */
@NullMarked
package dev.ublk4j.cli.serve;

import org.jspecify.annotations.NullMarked;
