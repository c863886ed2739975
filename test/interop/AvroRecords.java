// Avro records of a topic by Avro Java and Kafka's own clients, in the wire format of Schema Registries: a byte of zero,
// the schema's id in four bytes, and the value.
// "read" bootstrap registry topic count: prints each value in Avro's JSON encoding, a line each;
// "write" bootstrap topic id schema: writes the lines of standard input, in Avro's JSON encoding, with that schema.
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class AvroRecords {
    private static final int HEADER_BYTES = 5;

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("read"))
            read(arguments[1], arguments[2], arguments[3], Integer.parseInt(arguments[4]));
        else
            write(arguments[1], arguments[2], Integer.parseInt(arguments[3]), new Schema.Parser().parse(arguments[4]));
    }

    private static void read(String bootstrap, String registry, String topic, int count) throws Exception {
        var output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        var schemas = new HashMap<Integer, Schema>();
        var bytes = new ByteArrayDeserializer();
        try (var consumer = new KafkaConsumer<>(Map.<String, Object>of("bootstrap.servers", bootstrap), bytes, bytes)) {
            var partition = List.of(new TopicPartition(topic, 0));
            consumer.assign(partition);
            consumer.seekToBeginning(partition);
            for (int left = count; left > 0; )
                for (var record : consumer.poll(Duration.ofSeconds(30))) {
                    int id = ByteBuffer.wrap(record.value()).getInt(1);
                    if (!schemas.containsKey(id)) schemas.put(id, schemaOf(registry, id));
                    output.println(json(record.value(), schemas.get(id)));
                    left--;
                }
        }
    }

    private static Schema schemaOf(String registry, int id) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(registry + "/schemas/ids/" + id + "/schema")).build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        return new Schema.Parser().parse(answer.body());
    }

    private static String json(byte[] value, Schema schema) throws Exception {
        var decoder = DecoderFactory.get().binaryDecoder(value, HEADER_BYTES, value.length - HEADER_BYTES, null);
        var datum = new GenericDatumReader<>(schema).read(null, decoder);
        if (!decoder.isEnd()) throw new IllegalStateException("there is more than the value");
        var text = new ByteArrayOutputStream();
        var encoder = EncoderFactory.get().jsonEncoder(schema, text);
        new GenericDatumWriter<>(schema).write(datum, encoder);
        encoder.flush();
        return text.toString(StandardCharsets.UTF_8);
    }

    private static void write(String bootstrap, String topic, int id, Schema schema) throws Exception {
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var bytes = new ByteArraySerializer();
        try (var producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers", bootstrap), bytes, bytes)) {
            for (String line; (line = input.readLine()) != null; ) {
                var datum = new GenericDatumReader<>(schema).read(null, DecoderFactory.get().jsonDecoder(schema, line));
                var value = new ByteArrayOutputStream();
                value.write(ByteBuffer.allocate(HEADER_BYTES).putInt(1, id).array());
                var encoder = EncoderFactory.get().binaryEncoder(value, null);
                new GenericDatumWriter<>(schema).write(datum, encoder);
                encoder.flush();
                producer.send(new ProducerRecord<>(topic, 0, null, value.toByteArray())).get();
            }
        }
    }
}
