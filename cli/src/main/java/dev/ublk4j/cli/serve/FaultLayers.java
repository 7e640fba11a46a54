package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.output.Json;
import dev.ublk4j.layers.DiskFault;
import dev.ublk4j.layers.FaultInjector;
import dev.ublk4j.layers.FaultInjector.Injected;
import dev.ublk4j.server.Target;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/** The fault layers of a target, by the places that {@link Composition} has. */
final class FaultLayers {
    /** The place of the target itself, as a person names it. */
    private static final String TOP = "top";

    private final SequencedMap<String, FaultInjector> injectors = new LinkedHashMap<>();

    FaultLayers(Target target) {
        Composition.visit(
                target,
                "",
                (place, layer) -> {
                    if (layer instanceof FaultInjector injector) {
                        // Of two at one place the outer one is who clients meet.
                        FaultInjector _ =
                                injectors.putIfAbsent(place.isEmpty() ? TOP : place, injector);
                    }
                });
    }

    /** Injects a fault, and returns what is injected then. */
    String inject(@Nullable String leg, @Nullable String text) {
        FaultInjector injector = one(leg);
        try {
            Injected _ = injector.inject(DiskFault.parse(text == null ? "" : text));
        } catch (IllegalArgumentException e) {
            throw new Failure(Explanation.of(e), e);
        }
        return json();
    }

    /** Takes a fault back, or all, and returns what is injected then. */
    String clear(@Nullable String leg, @Nullable String number) {
        if (number == null) {
            some(leg).forEach(FaultInjector::clear);
        } else if (!one(leg).clear(number(number))) {
            throw new Failure("there is no fault " + number);
        }
        return json();
    }

    private static int number(String text) {
        return text.matches("[1-9]\\d{0,8}") ? Integer.parseInt(text) : 0;
    }

    /** Lets requests that hang go on, and returns what is injected then. */
    String release(@Nullable String leg) {
        some(leg).forEach(FaultInjector::release);
        return json();
    }

    private Collection<FaultInjector> some(@Nullable String leg) {
        return leg == null && !injectors.isEmpty() ? injectors.values() : List.of(one(leg));
    }

    private FaultInjector one(@Nullable String leg) {
        if (injectors.isEmpty()) {
            throw new Failure(
                    "nothing in the device's target is a fault layer; add it with --layer fault");
        }
        if (leg == null && injectors.size() > 1) {
            throw new Failure(
                    "there are several fault layers; name one with --leg: "
                            + String.join(", ", injectors.keySet()));
        }
        FaultInjector chosen = leg == null ? injectors.firstEntry().getValue() : injectors.get(leg);
        if (chosen == null) {
            throw new Failure(
                    "there is no fault layer over leg %s; those are: %s"
                            .formatted(leg, String.join(", ", injectors.keySet())));
        }
        return chosen;
    }

    /** {@return what is injected, as a JSON object} */
    String json() {
        List<FaultStat> all = new ArrayList<>();
        injectors.forEach((place, injector) ->
                injector.faults()
                        .forEach(each ->
                                all.add(
                                        new FaultStat(
                                                place,
                                                each.number(),
                                                each.fault().toString(),
                                                each.struck(),
                                                each.hanging()))));
        return Json.text(json -> FaultStat.write(all, json));
    }
}
