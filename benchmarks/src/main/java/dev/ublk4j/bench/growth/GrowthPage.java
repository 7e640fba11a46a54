package dev.ublk4j.bench.growth;

import dev.ublk4j.bench.page.PageSection;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.Locale;

/** The section of docs/performance.md about growth, and its drawing. */
final class GrowthPage {
    private static final String DRAWING = "performance-growth.svg";

    private static final int WIDTH = 260;
    private static final int HEIGHT = 160;
    private static final int GAP = 70;
    private static final int ROW = HEIGHT + 90;
    private static final int COLUMNS = 3;

    private GrowthPage() {}

    static void write(Path docs, List<Series> all) throws IOException {
        PageSection.replace(docs.resolve("performance.md"), "growth", markdown(all));
        Files.writeString(docs.resolve(DRAWING), svg(all));
    }

    private static String markdown(List<Series> all) throws IOException {
        StringBuilder text = new StringBuilder();
        text.append(
                format(
                        """
                        Measured by `./bench growth` on %s with OpenJDK %s, %d processors whose load was %s, on the embedded driver: 4 KiB writes to a \
                        memory target, 32 under way in each queue, whose thread is client and server in one. Each figure is the \
                        least of five turns. Each thing grows alone.

                        ![cost while one thing grows](%s)

                        | what grows | cost | to | is | remarks |
                        |---|---|--:|--:|---|
                        """,
                        LocalDate.now(),
                        System.getProperty("java.version"),
                        Runtime.getRuntime().availableProcessors(),
                        Files.readString(Path.of("/proc/loadavg")).split(" ", 2)[0],
                        DRAWING));
        for (Series series : all) {
            for (int i = 0; i < series.counts().size(); i++) {
                text.append(
                        format(
                                "| %s | %s | %d | %.0f | %s |%n",
                                i == 0 ? series.grows() : "",
                                i == 0 ? series.unit() : "",
                                series.counts().get(i),
                                series.costs().get(i),
                                series.notes().get(i)));
            }
        }
        return text.append("\n").toString();
    }

    private static String svg(List<Series> all) {
        int rows = (all.size() + COLUMNS - 1) / COLUMNS;
        StringBuilder svg = new StringBuilder();
        svg.append(
                format(
                        """
                        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %1$d %2$d" width="%1$d" height="%2$d" \
                        font-family="sans-serif" font-size="11">
                        <rect width="100%%" height="100%%" fill="white"/>
                        """,
                        COLUMNS * (WIDTH + GAP) + GAP, rows * ROW));
        for (int i = 0; i < all.size(); i++) {
            draw(svg, all.get(i), GAP + i % COLUMNS * (WIDTH + GAP), i / COLUMNS * ROW + 40);
        }
        return svg.append("</svg>\n").toString();
    }

    /** One panel: counts on a logarithmic axis, costs on one that begins at 0. */
    private static void draw(StringBuilder svg, Series series, int x, int y) {
        double most = series.costs().stream().mapToDouble(each -> each).max().orElse(1) * 1.2;
        int bottom = y + HEIGHT;
        svg.append(
                format(
                        """
                        <text x="%d" y="%d">%s: %s</text>
                        <rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="black"/>
                        <text x="%d" y="%d" text-anchor="end">0</text>
                        <text x="%d" y="%d" text-anchor="end">%.0f</text>
                        """,
                        x - 40,
                        y - 8,
                        series.grows(),
                        series.unit(),
                        x,
                        y,
                        WIDTH,
                        HEIGHT,
                        x - 4,
                        bottom,
                        x - 4,
                        y + 10,
                        most));
        double widest = Math.log(series.counts().getLast());
        StringBuilder path = new StringBuilder();
        for (int i = 0; i < series.counts().size(); i++) {
            double at = x + Math.log(series.counts().get(i)) / widest * WIDTH;
            path.append(
                    format(
                            "%s%.1f %.1f",
                            i == 0 ? "M" : " L",
                            at,
                            bottom - series.costs().get(i) / most * HEIGHT));
            svg.append(
                    format(
                            "<text x=\"%.0f\" y=\"%d\" text-anchor=\"middle\">%d</text>%n",
                            at, bottom + 14, series.counts().get(i)));
        }
        svg.append(
                format(
                        "<path d=\"%s\" fill=\"none\" stroke=\"#1f77b4\" stroke-width=\"2\"/>%n",
                        path));
    }

    private static String format(String format, Object... arguments) {
        return String.format(Locale.ROOT, format, arguments);
    }
}
