package dev.ublk4j.cli.output;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Text in columns as wide as they need to be. */
public final class Table {
    private final List<List<String>> rows = new ArrayList<>();

    /** Begins with a row of headings. */
    public Table(String... headings) {
        row(headings);
    }

    /** Adds a row. */
    public void row(String... cells) {
        assert rows.isEmpty() || rows.getFirst().size() == cells.length;
        rows.add(Stream.of(cells).map(Visible::of).toList());
    }

    /** Prints the rows. */
    public void print(PrintWriter out) {
        int columns = rows.getFirst().size();
        int[] widths = new int[columns];
        for (List<String> row : rows) {
            for (int column = 0; column < columns; column++) {
                widths[column] = Math.max(widths[column], row.get(column).length());
            }
        }
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int column = 0; column < columns; column++) {
                String cell = row.get(column);
                line.append(cell);
                line.repeat(' ', widths[column] - cell.length() + 2);
            }
            out.println(line.toString().stripTrailing());
        }
    }
}
