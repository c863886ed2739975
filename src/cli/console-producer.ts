/**
 * kafka-console-producer: each line of standard input becomes a record (Kafka's ConsoleProducer).
 *
 * Guarantees: flags, their defaults and the reader's properties are Kafka's; the prompt shows only to a person; at
 * the end of the input, and at Ctrl-C, everything that was typed is sent before the command leaves.
 */
import { Deferred } from '../lib/deferred.ts';
import { SystemRandom } from '../lib/random.ts';
import { COMPRESSION_TYPES, type CompressionType } from '../protocol/records/codecs.ts';
import { refuseSecurity } from './admin-connection.ts';
import { ApiError } from '../client/api-error.ts';
import { ClusterClient } from '../client/cluster-client.ts';
import { CommandError, defineCommand, logLine, requireOptions, type Terminal, UsageError } from './command.ts';
import { LineError, LineReader, LineSplitter } from './line-reader.ts';
import { readPropertiesFile } from './named-file.ts';
import { keyValueArguments, type Options } from './options.ts';
import { type ProducerSettings, RecordProducer } from '../client/record-producer.ts';

const LINE_READERS = ['org.apache.kafka.tools.LineMessageReader', 'kafka.tools.ConsoleProducer$LineMessageReader'];

const OPTIONS = {
  topic: { argument: 'topic', required: true, description: 'The topic to send to.' },
  'bootstrap-server': { argument: 'host:port', required: true, description: 'The server(s) to connect to.' },
  'broker-list': { argument: 'host:port', description: 'DEPRECATED, use --bootstrap-server instead.' },
  sync: { description: 'Wait for each message to arrive before the next is sent.' },
  'compression-codec': {
    argument: 'codec',
    argumentIsOptional: true,
    description: `One of ${COMPRESSION_TYPES.join(', ')}; gzip when nothing follows.`,
  },
  'batch-size': { argument: 'bytes', default: '16384', description: 'Size of a batch, as batch.size.' },
  'message-send-max-retries': { argument: 'number', default: '3', description: 'As retries.' },
  'retry-backoff-ms': { argument: 'ms', default: '100', description: 'As retry.backoff.ms.' },
  timeout: { argument: 'ms', default: '1000', description: 'How long a batch waits to be filled, as linger.ms.' },
  'request-required-acks': { argument: 'acks', default: '-1', description: 'As acks: all (-1), 1 or 0.' },
  'request-timeout-ms': { argument: 'ms', default: '1500', description: 'As request.timeout.ms.' },
  'metadata-expiry-ms': { argument: 'ms', default: '300000', description: 'As metadata.max.age.ms.' },
  'max-block-ms': { argument: 'ms', default: '60000', description: 'As max.block.ms.' },
  'max-memory-bytes': { argument: 'bytes', default: '33554432', description: 'As buffer.memory.' },
  'max-partition-memory-bytes': { argument: 'bytes', description: 'As batch.size; goes before --batch-size.' },
  'socket-buffer-size': { argument: 'bytes', description: 'Accepted for compatibility.' },
  'line-reader': { argument: 'class', default: LINE_READERS[0] ?? '', description: 'How lines are read.' },
  property: {
    argument: 'key=value',
    aliases: ['reader-property'],
    description:
      'How a line becomes a record; may be repeated. Properties are: parse.key=false, key.separator=TAB, ' +
      'parse.headers=false, headers.delimiter=TAB, headers.separator=comma, headers.key.separator=colon, ' +
      'ignore.error=false, null.marker (a text that stands for null). With headers and key a line is ' +
      'h1:v1,h2:v2<TAB>key<TAB>value.',
  },
  'reader-config': { argument: 'file', description: 'Such properties in a file; --property goes before it.' },
  'producer-property': {
    argument: 'key=value',
    aliases: ['command-property'],
    description: 'A setting of the producer, such as acks=all; may be repeated.',
  },
  'producer.config': {
    argument: 'file',
    aliases: ['command-config'],
    description: 'Such settings in a file; --producer-property goes before it.',
  },
};
type ProducerOptions = Options<keyof typeof OPTIONS | 'help' | 'version'>;

export const main = defineCommand({
  script: 'kafka-console-producer.sh',
  summary: 'This tool helps to read data from standard input and publish it to Kafka.',
  options: OPTIONS,
  examples: [
    [
      'Send what you type, a line a message; Ctrl-D ends',
      'kafka-console-producer.sh --bootstrap-server localhost:9092 --topic orders',
    ],
    [
      'Send keys and values',
      'echo "42:paid" | kafka-console-producer.sh --bootstrap-server localhost:9092 --topic orders ' +
        '--property parse.key=true --property key.separator=:',
    ],
    [
      'Send a file, compressed',
      'kafka-console-producer.sh --bootstrap-server localhost:9092 --topic orders --compression-codec zstd < file.txt',
    ],
  ],
  run: async (options, terminal) => {
    requireOptions(options, 'topic');
    const bootstrapServers = options.text('bootstrap-server') ?? options.text('broker-list');
    if (bootstrapServers === undefined) throw new UsageError('Missing required option(s) [bootstrap-server]');
    const readerClass = options.required('line-reader');
    if (!LINE_READERS.includes(readerClass))
      throw new CommandError(`There is no line reader ${readerClass} here. Line readers: ${LINE_READERS.join(', ')}`);
    const reader = new LineReader(readerProperties(options));
    const properties = producerProperties(options);
    refuseSecurity(properties);
    const settings = producerSettings(options, properties);
    try {
      const cluster = new ClusterClient({
        bootstrapServers,
        clientId: properties.get('client.id') ?? 'console-producer',
        kind: 'Producer',
        clock: terminal.clock,
        requestTimeoutMs: settings.requestTimeoutMs,
        apiTimeoutMs: settings.maxBlockMs,
        warn: (message, logger) => terminal.error(logLine(terminal.clock.nowMs(), 'WARN', message, logger)),
      });
      const producer = new RecordProducer(cluster, settings, new SystemRandom());
      return await produceLines(terminal, reader, producer, settings.topic, options.has('sync'));
    } catch (error) {
      if (error instanceof ApiError) throw new CommandError(String(error));
      throw error;
    }
  },
});

function readerProperties(options: ProducerOptions): Map<string, string> {
  const file = options.text('reader-config');
  return new Map([
    ...(file === undefined ? [] : readPropertiesFile(file)),
    ...keyValueArguments(options.all('property')),
  ]);
}

function producerProperties(options: ProducerOptions): Map<string, string> {
  const file = options.text('producer.config');
  return new Map([
    ...(file === undefined ? [] : readPropertiesFile(file)),
    ...keyValueArguments(options.all('producer-property')),
  ]);
}

const DELIVERY_TIMEOUT_MS = '120000';
const MAX_REQUEST_BYTES = '1048576';

/** What is given as a flag goes before the property, the property before the flag's default. */
function producerSettings(options: ProducerOptions, properties: ReadonlyMap<string, string>): ProducerSettings {
  const merged = (key: string, flag: keyof typeof OPTIONS): string =>
    options.has(flag) ? options.required(flag) : (properties.get(key) ?? options.required(flag));
  const number = (key: string, text: string): number => {
    if (!/^\d+$/.test(text))
      throw new CommandError(
        `org.apache.kafka.common.config.ConfigException: Invalid value ${text} for configuration ${key}: ` +
          'Not a number of type INT',
      );
    return Number(text);
  };
  const flagged = (key: string, flag: keyof typeof OPTIONS): number => number(key, merged(key, flag));
  const own = (key: string, byDefault: string): number => number(key, properties.get(key) ?? byDefault);
  if (properties.has('transactional.id'))
    throw new CommandError('transactional.id is not supported yet: this producer sends without transactions.');
  const acks = acksOf(merged('acks', 'request-required-acks'));
  const retries = flagged('retries', 'message-send-max-retries');
  return {
    topic: options.required('topic'),
    acks,
    isIdempotent: isIdempotent(properties.get('enable.idempotence'), acks, retries),
    compression: compressionOf(options),
    batchSizeBytes: flagged(
      'batch.size',
      options.has('max-partition-memory-bytes') ? 'max-partition-memory-bytes' : 'batch-size',
    ),
    lingerMs: flagged('linger.ms', 'timeout'),
    retries,
    retryBackoffMs: flagged('retry.backoff.ms', 'retry-backoff-ms'),
    requestTimeoutMs: flagged('request.timeout.ms', 'request-timeout-ms'),
    deliveryTimeoutMs: own('delivery.timeout.ms', DELIVERY_TIMEOUT_MS),
    maxBlockMs: flagged('max.block.ms', 'max-block-ms'),
    maxRequestBytes: own('max.request.size', MAX_REQUEST_BYTES),
    bufferBytes: flagged('buffer.memory', 'max-memory-bytes'),
    metadataMaxAgeMs: flagged('metadata.max.age.ms', 'metadata-expiry-ms'),
  };
}

function acksOf(text: string): -1 | 0 | 1 {
  if (text === 'all' || text === '-1') return -1;
  if (text === '1') return 1;
  if (text === '0') return 0;
  throw new CommandError(
    `org.apache.kafka.common.config.ConfigException: Invalid value ${text} for configuration acks: ` +
      'String must be one of: all, -1, 0, 1',
  );
}

/** On unless switched off or impossible; demanding the impossible is an error, as in Java. */
function isIdempotent(text: string | undefined, acks: number, retries: number): boolean {
  const isPossible = acks === -1 && retries > 0;
  if (text?.toLowerCase() === 'true' && !isPossible)
    throw new CommandError(
      'org.apache.kafka.common.config.ConfigException: Must set acks to all and retries to more than 0 in order to ' +
        'use the idempotent producer.',
    );
  return text?.toLowerCase() !== 'false' && isPossible;
}

function compressionOf(options: ProducerOptions): CompressionType {
  if (!options.has('compression-codec')) return 'none';
  const text = options.text('compression-codec') || 'gzip';
  const codec = COMPRESSION_TYPES.find((type) => type === text);
  if (codec === undefined)
    throw new CommandError(
      `org.apache.kafka.common.config.ConfigException: Invalid value ${text} for configuration compression.type: ` +
        `String must be one of: ${COMPRESSION_TYPES.join(', ')}`,
    );
  return codec;
}

const EXIT_INTERRUPTED = 130;

async function produceLines(
  terminal: Terminal,
  reader: LineReader,
  producer: RecordProducer,
  topic: string,
  isSync: boolean,
): Promise<number> {
  const hasPrompt = terminal.isTerminal.stdin && terminal.isTerminal.stdout;
  let interrupted = false;
  const abandoned = new Deferred();
  let isAbandoned = false;
  let stopWaiting = (): void => {};
  const stopListening = terminal.onInterrupt(() => {
    interrupted = true;
    // With no broker to be had, what is not sent yet would be waited for in vain.
    isAbandoned = producer.isCutOff;
    if (isAbandoned) {
      stopWaiting();
      abandoned.resolve();
    }
    // Ends the loop below at once; what was typed is flushed after it.
    (terminal.stdin as NodeJS.ReadableStream & { destroy(): void }).destroy();
  });
  const send = lineSender(terminal, reader, producer, topic, isSync);
  let waiting = 0;
  const handOver = async (line: string): Promise<void> => {
    waiting++;
    if (isAbandoned) return;
    // No race with one promise for all lines: each line would leave something behind on it.
    await new Promise<void>((resolve, reject) => {
      stopWaiting = resolve;
      send(line).then(() => {
        waiting--;
        resolve();
      }, reject);
    });
  };
  try {
    const splitter = new LineSplitter();
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    if (hasPrompt) terminal.out('>');
    for await (const chunk of chunksOf(terminal.stdin, () => interrupted))
      for (const line of splitter.push(decoder.decode(chunk, { stream: true }))) {
        await handOver(line);
        if (hasPrompt) terminal.out('>');
      }
    for (const line of splitter.push(decoder.decode()).concat(splitter.end())) await handOver(line);
    if (hasPrompt) terminal.out('\n');
    return interrupted ? EXIT_INTERRUPTED : 0;
  } catch (error) {
    if (!(error instanceof LineError)) throw error;
    terminal.error(`${error.message}\n`);
    return 1;
  } finally {
    // A second Ctrl-C ends the process without waiting for the rest.
    stopListening();
    await Promise.race([producer.flush(), abandoned.promise]);
    const lost = producer.pendingRecords + waiting;
    if (isAbandoned && lost > 0) terminal.error(`Without a broker, ${lost} record(s) were not sent.\n`);
    producer.close();
  }
}

/** Sends one line as a record; with `isSync` resolves when it has arrived, else when it is in the buffer. */
function lineSender(
  terminal: Terminal,
  reader: LineReader,
  producer: RecordProducer,
  topic: string,
  isSync: boolean,
): (line: string) => Promise<void> {
  return async (line) => {
    const record = { ...reader.read(line), timestampMs: terminal.clock.nowMs() };
    let failure: Error | null = null;
    await producer.send(record, (result) => {
      failure = result;
      if (result !== null && !isSync) reportFailure(terminal, topic, record, result);
    });
    if (!isSync) return;
    await producer.flush();
    if (failure !== null) throw new CommandError(String(failure));
  };
}

async function* chunksOf(stdin: NodeJS.ReadableStream, isInterrupted: () => boolean): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stdin) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  } catch (error) {
    // Destroying the stream is how an interruption ends the reading.
    if (!isInterrupted()) throw error;
  }
}

function reportFailure(
  terminal: Terminal,
  topic: string,
  { key, value }: { key: Buffer | null; value: Buffer | null },
  failure: Error,
): void {
  const size = (bytes: Buffer | null): string => (bytes === null ? 'null' : `${bytes.length} bytes`);
  const message =
    `Error when sending message to topic ${topic} with ` + `key: ${size(key)}, value: ${size(value)} with error:`;
  const logger = 'org.apache.kafka.clients.producer.internals.ErrorLoggingCallback';
  terminal.error(`${logLine(terminal.clock.nowMs(), 'ERROR', message, logger)}${String(failure)}\n`);
}
