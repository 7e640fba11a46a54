package dev.ublk4j.conformance;

import dev.ublk4j.conformance.lane.KernelLane;
import dev.ublk4j.conformance.rules.AddRules;
import dev.ublk4j.conformance.rules.AnswerRules;
import dev.ublk4j.conformance.rules.BadInputRules;
import dev.ublk4j.conformance.rules.BatchRules;
import dev.ublk4j.conformance.rules.BufferRules;
import dev.ublk4j.conformance.rules.ControlRules;
import dev.ublk4j.conformance.rules.DataRules;
import dev.ublk4j.conformance.rules.HostileClientRules;
import dev.ublk4j.conformance.rules.IntegrityRules;
import dev.ublk4j.conformance.rules.IoCommandRules;
import dev.ublk4j.conformance.rules.LifeRules;
import dev.ublk4j.conformance.rules.MatchRules;
import dev.ublk4j.conformance.rules.ModeRules;
import dev.ublk4j.conformance.rules.OrderRules;
import dev.ublk4j.conformance.rules.ParameterRules;
import dev.ublk4j.conformance.rules.PoolRules;
import dev.ublk4j.conformance.rules.RecoveryRules;
import dev.ublk4j.conformance.rules.SharingRules;
import dev.ublk4j.conformance.rules.SoakRules;
import dev.ublk4j.conformance.rules.SplitRules;
import dev.ublk4j.conformance.rules.UserCopyRules;
import dev.ublk4j.conformance.rules.ZoneRules;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/** The rules, kept by the driver of the running kernel. */
@Tag("kernel")
@ExtendWith(CaseCount.class)
final class KernelConformanceTest {
    @Nested
    final class Add extends AddRules {
        Add() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Control extends ControlRules {
        Control() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Parameter extends ParameterRules {
        Parameter() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Life extends LifeRules {
        Life() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Recovery extends RecoveryRules {
        Recovery() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Order extends OrderRules {
        Order() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class IoCommand extends IoCommandRules {
        IoCommand() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Data extends DataRules {
        Data() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class UserCopy extends UserCopyRules {
        UserCopy() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Batch extends BatchRules {
        Batch() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Zone extends ZoneRules {
        Zone() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Integrity extends IntegrityRules {
        Integrity() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Mode extends ModeRules {
        Mode() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Answer extends AnswerRules {
        Answer() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Split extends SplitRules {
        Split() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Buffer extends BufferRules {
        Buffer() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Match extends MatchRules {
        Match() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Sharing extends SharingRules {
        Sharing() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Hostile extends HostileClientRules {
        Hostile() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Pool extends PoolRules {
        Pool() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class BadInput extends BadInputRules {
        BadInput() {
            super(KernelLane::open);
        }
    }

    @Nested
    final class Soak extends SoakRules {
        Soak() {
            super(KernelLane::open);
        }
    }
}
