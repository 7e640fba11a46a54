package dev.ublk4j.cli;

import java.util.Collection;
import java.util.List;
import java.util.Locale;

/** Finds the words that a misspelt one may stand for, by the number of typing errors. */
final class Spelling {
    private Spelling() {}

    /**
     * {@return those words that are at most one typing error away, or two from six letters on}: a
     * letter too many, one missing, one wrong, or two exchanged
     */
    static List<String> alike(String typed, Collection<String> words) {
        String word = typed.toLowerCase(Locale.ROOT);
        int most = word.length() < 6 ? 1 : 2;
        return words.stream().filter(each -> errors(word, each) <= most).distinct().toList();
    }

    private static int errors(String a, String b) {
        int[][] distance = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                distance[i][j] = i == 0 || j == 0 ? i + j : cheapest(distance, a, b, i, j);
            }
        }
        return distance[a.length()][b.length()];
    }

    private static int cheapest(int[][] distance, String a, String b, int i, int j) {
        int wrong = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        int least =
                Math.min(
                        distance[i - 1][j - 1] + wrong,
                        1 + Math.min(distance[i - 1][j], distance[i][j - 1]));
        boolean exchanged =
                i > 1
                        && j > 1
                        && a.charAt(i - 1) == b.charAt(j - 2)
                        && a.charAt(i - 2) == b.charAt(j - 1);
        return exchanged ? Math.min(least, distance[i - 2][j - 2] + 1) : least;
    }
}
