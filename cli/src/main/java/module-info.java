/** The command line. */
module dev.ublk4j.cli {
    requires static org.jspecify;
    requires dev.ublk4j.client;
    requires dev.ublk4j.crash;
    requires dev.ublk4j.embedded;
    requires dev.ublk4j.kernel;
    requires dev.ublk4j.layers;
    requires dev.ublk4j.qcow2;
    requires dev.ublk4j.nbd;
    requires dev.ublk4j.psk;
    requires dev.ublk4j.rbd;
    requires dev.ublk4j.sharing;
    requires dev.ublk4j.targets;
    requires dev.ublk4j.testkit;
    requires dev.ublk4j.vhostuser;
    requires info.picocli;
    requires java.logging;
    requires java.naming;
    requires tools.jackson.core;

    // picocli fills the fields of commands, and the log manager creates LogSetup.
    opens dev.ublk4j.cli;

    uses dev.ublk4j.server.TargetProvider;
}
