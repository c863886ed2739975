// Kafka's own codecs as a judge. Reads lines "class version hex" and answers each with a line of two words: the hex
// of the same message written again by Kafka's generated class, and the message as Kafka's JSON. With the one
// argument "errors" it prints Kafka's error table instead.
import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.Readable;

public class MessageCodec {
    public static void main(String[] arguments) throws Exception {
        if (arguments.length > 0 && arguments[0].equals("errors")) {
            printErrors();
            return;
        }
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var answer = new StringBuilder();
        for (String line; (line = input.readLine()) != null; ) {
            String[] words = line.split(" ", -1);
            try {
                answer.append(judge(words[0], Short.parseShort(words[1]), HexFormat.of().parseHex(words[2])));
            } catch (ReflectiveOperationException | RuntimeException error) {
                Throwable cause = error.getCause() == null ? error : error.getCause();
                answer.append("refused ").append(cause.toString().replace('\n', ' '));
            }
            answer.append('\n');
        }
        System.out.write(answer.toString().getBytes(StandardCharsets.UTF_8));
        System.out.flush();
    }

    private static String judge(String name, short version, byte[] bytes) throws ReflectiveOperationException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        Class<?> type = Class.forName(name);
        var message = (Message) type.getConstructor(Readable.class, short.class)
            .newInstance(new ByteBufferAccessor(buffer), version);
        if (buffer.hasRemaining()) throw new IllegalArgumentException(buffer.remaining() + " bytes were not read");
        var cache = new ObjectSerializationCache();
        ByteBuffer again = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(again), cache, version);
        Method toJson = Class.forName(name + "JsonConverter").getMethod("write", type, short.class);
        var json = (JsonNode) toJson.invoke(null, message, version);
        return HexFormat.of().formatHex(again.array()) + " " + json;
    }

    private static void printErrors() {
        for (Errors error : Errors.values()) {
            boolean isRetriable = error.exception() instanceof RetriableException;
            System.out.println(error.code() + "\t" + error.name() + "\t" + isRetriable + "\t" + error.message());
        }
    }
}
