package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.layers.IntegrityTarget;
import dev.ublk4j.layers.Layer;
import dev.ublk4j.layers.Mirror;
import dev.ublk4j.layers.Mirror.LegState;
import dev.ublk4j.layers.Overlay;
import dev.ublk4j.rbd.RbdTarget;
import dev.ublk4j.server.Target;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The layers that a device's target is made of, by their places: the target itself is at the empty
 * place, its second leg at 2, and the first leg of that at 2.1. A layer over one other target has
 * no number in them, as in {@link TargetSpec#visitLegs}.
 */
final class Composition {
    /** The place of the target itself, as a person names it. */
    private static final String TOP = "top";

    private final SequencedMap<String, Layer> layers = new LinkedHashMap<>();
    private final List<RbdTarget> images = new ArrayList<>();
    private final @Nullable TargetSpec spec;

    /**
     * Looks at a target.
     *
     * @param text what it is made of, null where nobody has said so
     */
    Composition(Target target, @Nullable String text) {
        this.spec = text == null ? null : TargetSpec.parse(text, _ -> false);
        findImages(target);
        visit(
                target,
                "",
                (place, layer) -> {
                    if (layer.legs().size() > 1 && !isIntegrity(layer)) {
                        layers.put(place, layer);
                    }
                });
    }

    private void findImages(Target target) {
        RbdTarget image = target.ability(RbdTarget.class);
        Layer layer = target.ability(Layer.class);
        if (image != null) {
            images.add(image);
        } else if (layer != null) {
            layer.legs().forEach(this::findImages);
        }
    }

    /** {@return the images of rbd in it, and who uses them} */
    List<ImageStat> images() {
        return images.stream().map(ImageStat::of).toList();
    }

    /** Visits all layers of a target, the outer ones first, with their places. */
    static void visit(Target target, String place, BiConsumer<String, Layer> visitor) {
        Layer layer = target.ability(Layer.class);
        if (layer == null) {
            return;
        }
        visitor.accept(place, layer);
        // Metadata is no leg that anybody has named.
        List<Target> legs = isIntegrity(layer) ? layer.legs().subList(0, 1) : layer.legs();
        for (int i = 0; i < legs.size(); i++) {
            visit(legs.get(i), legs.size() == 1 ? place : below(place, i), visitor);
        }
    }

    private static boolean isIntegrity(Layer layer) {
        return layer instanceof IntegrityTarget;
    }

    private static String below(String place, int leg) {
        return place.isEmpty() ? Integer.toString(leg + 1) : place + "." + (leg + 1);
    }

    /** {@return all legs and how they are} */
    List<LegStat> legs() {
        Map<String, String> texts = new HashMap<>();
        if (spec != null) {
            spec.visitLegs((place, leg) -> texts.put(place, leg.toString()));
        }
        List<LegStat> legs = new ArrayList<>();
        add("", texts, legs);
        return legs;
    }

    private void add(String place, Map<String, String> texts, List<LegStat> legs) {
        Layer layer = layers.get(place);
        for (int i = 0; layer != null && i < layer.legs().size(); i++) {
            String at = below(place, i);
            legs.add(new LegStat(at, texts.getOrDefault(at, "a target"), state(layer, i)));
            add(at, texts, legs);
        }
    }

    private static @Nullable String state(Layer layer, int leg) {
        return switch (layer) {
            case Mirror mirror -> word(mirror.states().get(leg));
            case Overlay overlay when leg == 1 ->
                    "%d of %d clusters"
                            .formatted(
                                    overlay.map().upperClusters(),
                                    Math.ceilDiv(overlay.map().size(), overlay.map().cluster()));
            default -> null;
        };
    }

    private static String word(LegState state) {
        return switch (state) {
            case IN_STEP -> LegStat.IN_STEP;
            case SYNCING -> LegStat.SYNCING;
            case FAILED -> LegStat.FAILED;
        };
    }

    /**
     * Begins to bring a leg of a mirror back in step.
     *
     * @param place the leg's
     * @throws Failure when no such leg has failed
     */
    void resync(String place) {
        int dot = place.lastIndexOf('.');
        Layer layer = layers.get(dot < 0 ? "" : place.substring(0, dot));
        int leg = legNumber(place.substring(dot + 1)) - 1;
        if (layer == null || leg < 0 || leg >= layer.legs().size()) {
            throw new Failure(
                    "there is no leg %s%s"
                            .formatted(place, known(mirrorLegs(), "those of mirrors")));
        }
        if (!(layer instanceof Mirror mirror)) {
            throw new Failure(
                    "leg %s is not of a mirror%s"
                            .formatted(place, known(mirrorLegs(), "those of mirrors")));
        }
        try {
            mirror.resync(leg);
        } catch (IllegalStateException e) {
            throw new Failure(
                    "leg %s is %s; only one that has failed is to be resynced"
                            .formatted(place, word(mirror.states().get(leg))),
                    e);
        }
    }

    private static int legNumber(String text) {
        return text.matches("[1-9]\\d{0,3}") ? Integer.parseInt(text) : 0;
    }

    private List<String> mirrorLegs() {
        List<String> places = new ArrayList<>();
        layers.forEach((place, layer) -> {
            for (int i = 0; layer instanceof Mirror && i < layer.legs().size(); i++) {
                places.add(below(place, i));
            }
        });
        return places;
    }

    private static String known(List<String> places, String what) {
        return places.isEmpty() ? "" : "; %s: %s".formatted(what, String.join(", ", places));
    }

    /**
     * {@return the overlay at a place, or the only one where no place is given}
     *
     * @throws Failure when there is none, or several
     */
    Overlay overlay(@Nullable String place) {
        List<String> places = new ArrayList<>();
        layers.forEach((at, layer) -> {
            if (layer instanceof Overlay) {
                places.add(at);
            }
        });
        String chosen =
                place == null
                        ? places.size() == 1 ? places.getFirst() : null
                        : place.equals(TOP) ? "" : place;
        if (chosen != null && layers.get(chosen) instanceof Overlay overlay) {
            return overlay;
        }
        if (places.isEmpty()) {
            throw new Failure("nothing in the device's target is an overlay");
        }
        List<String> shown = places.stream().map(at -> at.isEmpty() ? TOP : at).toList();
        throw new Failure(
                place == null
                        ? "the device has several overlays; name one: " + String.join(", ", shown)
                        : "leg %s is no overlay%s".formatted(place, known(shown, "those are")));
    }
}
