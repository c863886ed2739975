// Kafka's own reader of record batches as a judge. Reads lines of hex, each some batches one after the other, and answers
// each with a line: every record as "offset:timestamp:key:value:headers" in hex, null as "-".
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.StringJoiner;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MutableRecordBatch;
import org.apache.kafka.common.record.Record;

public class RecordReader {
    public static void main(String[] arguments) throws Exception {
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = input.readLine()) != null; ) {
            var records = new StringJoiner(" ");
            try {
                read(MemoryRecords.readableRecords(ByteBuffer.wrap(HexFormat.of().parseHex(line))), records);
            } catch (RuntimeException error) {
                records.add("refused: " + error);
            }
            System.out.println(records);
        }
    }

    private static void read(MemoryRecords batches, StringJoiner records) {
        for (MutableRecordBatch batch : batches.batches()) {
            batch.ensureValid();
            for (Record record : batch) {
                var headers = new StringJoiner(",");
                for (Header header : record.headers()) {
                    headers.add(hex(header.key().getBytes(StandardCharsets.UTF_8)) + "=" + hex(header.value()));
                }
                records.add(record.offset() + ":" + record.timestamp() + ":" + hex(bytes(record.key())) + ":"
                    + hex(bytes(record.value())) + ":" + headers);
            }
        }
    }

    private static byte[] bytes(ByteBuffer buffer) {
        if (buffer == null) return null;
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    private static String hex(byte[] bytes) {
        return bytes == null ? "-" : HexFormat.of().formatHex(bytes);
    }
}
