package dev.ublk4j.cli.output;

import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonWriteFeature;

/** JSON on one line, written and read piece by piece. */
public final class Json {
    /** JSON is UTF-8; where what is printed is not, it has to do with ASCII. */
    private static final JsonFactory FACTORY =
            JsonFactory.builder()
                    .configure(
                            JsonWriteFeature.ESCAPE_NON_ASCII,
                            !StandardOutput.charset().equals(StandardCharsets.UTF_8))
                    .build();

    private Json() {}

    /** {@return what a piece of code writes} */
    public static String text(Consumer<JsonGenerator> content) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = FACTORY.createGenerator(ObjectWriteContext.empty(), text)) {
            content.accept(json);
        }
        return text.toString();
    }

    /** {@return a parser before the first token of a text} */
    public static JsonParser parser(String text) {
        return FACTORY.createParser(ObjectReadContext.empty(), text);
    }
}
