package dev.ublk4j.bench.curve;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * Curves over block sizes, drawn as SVG: one panel for each target, both axes logarithmic.
 *
 * @param title what is drawn, with its unit
 * @param panels from left to right
 */
record Chart(String title, List<Panel> panels) {
    private static final int WIDTH = 300;
    private static final int HEIGHT = 260;
    private static final int LEFT = 60;
    private static final int TOP = 50;
    private static final int GAP = 60;
    private static final int BOTTOM = 70;

    /**
     * The curves of one target.
     *
     * @param curves each with its own name
     */
    record Panel(String name, List<Curve> curves) {}

    /**
     * One curve.
     *
     * @param color of SVG
     * @param dashes of SVG, empty for a line without gaps
     * @param blocks bytes of a block, rising
     * @param values one for each block, above 0
     */
    record Curve(
            String name, String color, String dashes, List<Integer> blocks, List<Double> values) {}

    String svg() {
        StringBuilder svg = new StringBuilder();
        int width = LEFT + panels.size() * (WIDTH + GAP);
        int height = TOP + HEIGHT + BOTTOM;
        svg.append(
                """
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" \
                height="%d" font-family="sans-serif" font-size="12">
                <rect width="100%%" height="100%%" fill="white"/>
                """
                        .formatted(width, height, width, height));
        text(svg, LEFT, 20, "start", title);
        Scale values = valueScale();
        for (int i = 0; i < panels.size(); i++) {
            draw(svg, panels.get(i), LEFT + i * (WIDTH + GAP), values, i == 0);
        }
        legend(svg, height - 15);
        return svg.append("</svg>\n").toString();
    }

    /** A logarithmic axis from one value to another. */
    private record Scale(double from, double to, int length) {
        double at(double value) {
            return Math.log(value / from) / Math.log(to / from) * length;
        }
    }

    private Scale valueScale() {
        double[] all =
                panels.stream()
                        .flatMap(panel -> panel.curves.stream())
                        .flatMap(curve -> curve.values.stream())
                        .mapToDouble(Double::doubleValue)
                        .sorted()
                        .toArray();
        double from = Math.pow(10, Math.floor(Math.log10(all[0])));
        double to = Math.pow(10, Math.ceil(Math.log10(all[all.length - 1])));
        return new Scale(from, to == from ? 10 * from : to, HEIGHT);
    }

    private static void draw(
            StringBuilder svg, Panel panel, int x, Scale values, boolean labelled) {
        List<Integer> blocks = panel.curves.getFirst().blocks;
        Scale sizes = new Scale(blocks.getFirst(), blocks.getLast(), WIDTH);
        int bottom = TOP + HEIGHT;
        text(svg, x + WIDTH / 2, TOP - 8, "middle", panel.name);
        svg.append(
                "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"black\"/>\n"
                        .formatted(x, TOP, WIDTH, HEIGHT));
        for (double value = values.from; value <= values.to * 1.001; value *= 10) {
            double y = bottom - values.at(value);
            line(svg, x, y, x + (double) WIDTH, y, "#ddd");
            if (labelled) {
                text(svg, x - 6, (int) y + 4, "end", number(value));
            }
        }
        for (int block : blocks) {
            double at = x + sizes.at(block);
            line(svg, at, TOP, at, bottom, "#eee");
            text(svg, (int) at, bottom + 16, "middle", size(block));
        }
        for (Curve curve : panel.curves) {
            StringBuilder path = new StringBuilder();
            for (int i = 0; i < curve.blocks.size(); i++) {
                path.append(
                        String.format(
                                Locale.ROOT,
                                "%s%.1f %.1f",
                                i == 0 ? "M" : " L",
                                x + sizes.at(curve.blocks.get(i)),
                                bottom - values.at(curve.values.get(i))));
            }
            svg.append(
                    "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s/>\n"
                            .formatted(path, curve.color, dash(curve)));
        }
    }

    private void legend(StringBuilder svg, int y) {
        List<Curve> curves =
                panels.stream()
                        .map(Panel::curves)
                        .max(Comparator.comparingInt(List::size))
                        .orElseThrow();
        int x = LEFT;
        for (Curve curve : curves) {
            svg.append(
                    "<path d=\"M%d %d h30\" stroke=\"%s\" stroke-width=\"2\"%s/>\n"
                            .formatted(x, y - 4, curve.color, dash(curve)));
            text(svg, x + 36, y, "start", curve.name);
            x += 135;
        }
    }

    private static String dash(Curve curve) {
        return curve.dashes.isEmpty() ? "" : " stroke-dasharray=\"" + curve.dashes + "\"";
    }

    private static void line(
            StringBuilder svg, double x1, double y1, double x2, double y2, String color) {
        svg.append(
                String.format(
                        Locale.ROOT,
                        "<path d=\"M%.1f %.1f L%.1f %.1f\" stroke=\"%s\"/>\n",
                        x1,
                        y1,
                        x2,
                        y2,
                        color));
    }

    private static void text(StringBuilder svg, int x, int y, String anchor, String text) {
        svg.append(
                "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>\n"
                        .formatted(x, y, anchor, text));
    }

    static String size(int bytes) {
        return bytes >= 1 << 20 ? (bytes >> 20) + " MiB" : (bytes >> 10) + " KiB";
    }

    private static String number(double value) {
        return value >= 1
                ? String.format(Locale.ROOT, "%.0f", value)
                : Double.toString(Math.round(value * 1e6) / 1e6);
    }
}
