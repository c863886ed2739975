// Avro Java as a judge of schemas. Reads lines of fields with tabs between them and answers each with a line:
// "compare", reader, writer: every incompatibility as "TYPE path info" with " | " between them, or nothing;
// "text", schema, then those that it may refer to, all as JSON strings: what Schema.toString() says, with the names of
// what was read before it.
// What Avro Java throws is answered with "refused: " and its words.
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.stream.Collectors;
import org.apache.avro.NameValidator;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;

public class AvroJudge {
    public static void main(String[] arguments) throws Exception {
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var output = new java.io.PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line; (line = input.readLine()) != null; ) {
            String answer;
            try {
                var fields = line.split("\t");
                answer = fields[0].equals("compare") ? compare(fields[1], fields[2]) : text(fields);
            } catch (RuntimeException error) {
                answer = "refused: " + error.getMessage();
            }
            output.println(answer.replaceAll("\\R", " "));
        }
    }

    private static String compare(String reader, String writer) {
        var result = SchemaCompatibility.checkReaderWriterCompatibility(
            new Schema.Parser().parse(reader), new Schema.Parser().parse(writer));
        return result.getResult().getIncompatibilities().stream()
            .map(found -> found.getType() + " " + found.getLocation() + " " + found.getMessage())
            .collect(Collectors.joining(" | "));
    }

    private static String text(String[] fields) {
        var parser = new Schema.Parser(NameValidator.STRICT_VALIDATOR);
        var references = new ArrayList<Schema>();
        for (int i = 2; i < fields.length; i++) references.add(parser.parse(string(fields[i])));
        return parser.parse(string(fields[1])).toString(references, false);
    }

    private static String string(String json) {
        try {
            return new ObjectMapper().readValue(json, String.class);
        } catch (JsonProcessingException error) {
            throw new IllegalArgumentException(error);
        }
    }
}
