package dev.ublk4j.cli;

import java.util.ArrayList;
import java.util.List;

/** A command as a shell takes it apart. */
final class Words {
    private Words() {}

    /** {@return the words of the first command of a line, without sudo before it} */
    static List<String> of(String line) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean begun = false;
        char quote = 0;
        for (char each : line.toCharArray()) {
            if (quote != 0) {
                if (each == quote) {
                    quote = 0;
                } else {
                    word.append(each);
                }
            } else if (each == '\'' || each == '"') {
                quote = each;
                begun = true;
            } else if (each == ' ' || each == '|') {
                if (begun) {
                    words.add(word.toString());
                }
                word.setLength(0);
                begun = false;
                if (each == '|') {
                    break;
                }
            } else {
                word.append(each);
                begun = true;
            }
        }
        if (begun) {
            words.add(word.toString());
        }
        if (!words.isEmpty() && words.getFirst().equals("sudo")) {
            words.removeFirst();
        }
        return words;
    }
}
