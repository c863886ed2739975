/**
 * kafka-console-consumer: prints the records of topics (Kafka's ConsoleConsumer), read from all their partitions by
 * itself, or with --group as a member of a group that shares them and remembers how far it has come.
 *
 * Guarantees: flags, properties, output and the count on stderr are Kafka's. A group's offsets say what was printed,
 * no more and no less. (The group's member is our own: @platformatic/kafka does not tell LogAppendTime from
 * CreateTime, subscribes to no pattern, and takes longer to load than most answers.)
 */
import { SystemRandom } from '../lib/random.ts';
import { isInternalTopic } from '../model/topic-names.ts';
import { milliseconds, refuseSecurity } from './admin-connection.ts';
import { ApiError } from '../client/api-error.ts';
import { ClusterClient } from '../client/cluster-client.ts';
import { CommandError, defineCommand, logLine, requireOptions, type Terminal, UsageError } from './command.ts';
import { readPropertiesFile } from './named-file.ts';
import { keyValueArguments, type Options } from './options.ts';
import type { ConsumedRecord } from '../client/consumed-record.ts';
import { GatheredOutput } from './gathered-output.ts';
import { GroupConsumer, type GroupSettings } from '../client/group-consumer.ts';
import { groupSettings } from './group-settings.ts';
import { IdleTimer } from './idle-timer.ts';
import { type ConsumerSettings, RecordConsumer, type RecordSink } from '../client/record-consumer.ts';
import { DEFAULT_FORMATTER_NAME, deprecationOf, DeserializationError, recordFormatter } from './record-formatter.ts';
import { topicFilter } from './topic-filter.ts';
import { UnreachableBrokers } from '../client/unreachable-brokers.ts';

const OPTIONS = {
  'bootstrap-server': { argument: 'host:port', required: true, description: 'The server(s) to connect to.' },
  topic: { argument: 'topic', description: 'The topic to read.' },
  include: {
    argument: 'regex',
    aliases: ['whitelist'],
    description: 'Regular expression for the topics to read, instead of --topic.',
  },
  partition: {
    argument: 'number',
    description: 'Read this partition alone, from its end unless --offset says otherwise.',
  },
  offset: {
    argument: 'offset',
    description: "Where in the partition to begin: a non-negative number, 'earliest' or 'latest' (default: latest)",
  },
  'from-beginning': { description: 'Begin with the earliest message rather than with the next one.' },
  'max-messages': { argument: 'number', description: 'Leave after so many messages.' },
  'timeout-ms': { argument: 'ms', description: 'Leave when no message came for so long.' },
  'isolation-level': {
    argument: 'level',
    default: 'read_uncommitted',
    description: 'read_committed leaves out messages of transactions that are not committed.',
  },
  property: {
    argument: 'key=value',
    aliases: ['formatter-property'],
    description:
      'How a message is printed; may be repeated. Properties are: print.timestamp, print.partition, print.offset, ' +
      'print.headers, print.key (false), print.value (true), key.separator (TAB), line.separator, ' +
      'headers.separator (comma), null.literal (null), key.deserializer, value.deserializer, headers.deserializer.',
  },
  'formatter-config': { argument: 'file', description: 'Such properties in a file; --property goes before it.' },
  formatter: { argument: 'class', default: DEFAULT_FORMATTER_NAME, description: 'Kafka’s name of a formatter.' },
  'key-deserializer': { argument: 'class', description: 'As the property key.deserializer.' },
  'value-deserializer': { argument: 'class', description: 'As the property value.deserializer.' },
  'consumer-property': {
    argument: 'key=value',
    aliases: ['command-property'],
    description: 'A setting of the consumer, such as fetch.min.bytes=1; may be repeated.',
  },
  'consumer.config': {
    argument: 'file',
    aliases: ['command-config'],
    description: 'Such settings in a file; --consumer-property goes before it.',
  },
  'skip-message-on-error': { description: 'Pass over a message that cannot be printed instead of leaving.' },
  group: {
    argument: 'group',
    description:
      'Read as a member of this group: partitions are shared with its other members, offsets are committed, and the ' +
      'next start goes on from there (--from-beginning matters only where the group has no offset).',
  },
  'enable-systest-events': { description: 'Print an event when leaving.', hidden: true },
};
type ConsumerOptions = Options<keyof typeof OPTIONS | 'help' | 'version'>;

export const main = defineCommand({
  script: 'kafka-console-consumer.sh',
  summary: 'This tool helps to read data from Kafka topics and outputs it to standard output.',
  options: OPTIONS,
  examples: [
    [
      'Print what is in a topic and what is coming',
      'kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic orders --from-beginning',
    ],
    [
      'Print ten messages with their keys',
      'kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic orders --from-beginning --max-messages 10 ' +
        '--property print.key=true',
    ],
    [
      'Print what the group billing has not read yet',
      'kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic orders --group billing --from-beginning',
    ],
    [
      'Print one partition from an offset on',
      'kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic orders --partition 0 --offset 42',
    ],
  ],
  run: async (options, terminal) => {
    checkOptions(options);
    const properties = consumerProperties(options);
    refuseSecurity(properties);
    const groupId = groupIdOf(options, properties);
    const settings = consumerSettings(options, properties, groupId !== null);
    const memberId = new SystemRandom().bytes(16).toString('base64url');
    const group = groupId === null ? null : groupSettings(groupId, properties, memberId);
    const formatter = options.required('formatter');
    const deprecation = deprecationOf(formatter);
    if (deprecation !== null) terminal.error(`${deprecation}\n`);
    const format = recordFormatter(formatter, formatterProperties(options));
    return consume(options, terminal, properties, { settings, group, format });
  },
});

function checkOptions(options: ConsumerOptions): void {
  if (options.has('topic') === options.has('include'))
    throw new UsageError('Exactly one of --include/--topic is required.');
  if (options.has('partition')) {
    if (!options.has('topic')) throw new UsageError('The topic is required when partition is specified.');
    if (options.has('from-beginning') && options.has('offset'))
      throw new UsageError('Options from-beginning and offset cannot be specified together.');
  } else if (options.has('offset')) throw new UsageError('The partition is required when offset is specified.');
  requireOptions(options, 'bootstrap-server');
}

function consumerProperties(options: ConsumerOptions): Map<string, string> {
  const file = options.text('consumer.config');
  return new Map([
    ...(file === undefined ? [] : readPropertiesFile(file)),
    ...keyValueArguments(options.all('consumer-property')),
  ]);
}

function formatterProperties(options: ConsumerOptions): Map<string, string> {
  const file = options.text('formatter-config');
  const properties = file === undefined ? new Map<string, string>() : readPropertiesFile(file);
  for (const part of ['key', 'value'] as const) {
    const deserializer = options.text(`${part}-deserializer`);
    if (deserializer) properties.set(`${part}.deserializer`, deserializer);
  }
  return new Map([...properties, ...keyValueArguments(options.all('property'))]);
}

/** Null without a group. @throws UsageError when groups contradict each other */
function groupIdOf(options: ConsumerOptions, properties: ReadonlyMap<string, string>): string | null {
  const file = options.text('consumer.config');
  const places = [
    options.text('group'),
    file === undefined ? undefined : readPropertiesFile(file).get('group.id'),
    keyValueArguments(options.all('consumer-property')).get('group.id'),
    properties.get('group.id'),
  ];
  const given = new Set(places.filter((groupId) => groupId !== undefined));
  if (given.size > 1)
    throw new UsageError(
      "The group ids provided in different places (directly using '--group', via '--consumer-property', or via " +
        `'--consumer.config') do not match. Detected group ids: ${[...given].map((id) => `'${id}'`).join(', ')}`,
    );
  const [groupId] = given;
  if (groupId === undefined) return null;
  if (options.has('partition')) throw new UsageError('Options group and partition cannot be specified together.');
  return groupId;
}

function consumerSettings(
  options: ConsumerOptions,
  properties: ReadonlyMap<string, string>,
  isInGroup: boolean,
): ConsumerSettings {
  const number = (key: string, byDefault: number): number => {
    const text = properties.get(key) ?? String(byDefault);
    if (!/^\d+$/.test(text))
      throw new CommandError(`Invalid value ${text} for configuration ${key}: Not a number of type INT`);
    return Number(text);
  };
  const isolation = options.has('isolation-level')
    ? options.required('isolation-level')
    : (properties.get('isolation.level') ?? options.required('isolation-level'));
  if (isolation !== 'read_committed' && isolation !== 'read_uncommitted')
    throw new CommandError(
      `Invalid value ${isolation} for configuration isolation.level: ` +
        'String must be one of: read_committed, read_uncommitted',
    );
  const reset = resetPolicy(options, properties);
  const topic = options.text('topic');
  return {
    topics: topic === undefined ? includedTopics(options, properties) : [topic],
    mayCreateTopics: !isOff(properties, 'allow.auto.create.topics'),
    partition: options.int('partition') ?? null,
    start: isInGroup ? 'latest' : startOf(options, reset),
    reset,
    isReadCommitted: isolation === 'read_committed',
    maxWaitMs: number('fetch.max.wait.ms', 500),
    minBytes: number('fetch.min.bytes', 1),
    maxBytes: number('fetch.max.bytes', 52_428_800),
    maxPartitionBytes: number('max.partition.fetch.bytes', 1_048_576),
    checksCrc: properties.get('check.crcs') !== 'false',
    metadataMaxAgeMs: number('metadata.max.age.ms', 300_000),
  };
}

function isOff(properties: ReadonlyMap<string, string>, key: string): boolean {
  return properties.get(key)?.toLowerCase() === 'false';
}

/** Who reads the cluster's own topics by accident reads bytes, and in a group forever what it commits by that. */
function includedTopics(options: ConsumerOptions, properties: ReadonlyMap<string, string>): (name: string) => boolean {
  const isIncluded = topicFilter(options.required('include'));
  if (isOff(properties, 'exclude.internal.topics')) return isIncluded;
  return (name) => !isInternalTopic(name) && isIncluded(name);
}

function resetPolicy(options: ConsumerOptions, properties: ReadonlyMap<string, string>): ConsumerSettings['reset'] {
  const isFromBeginning = options.has('from-beginning');
  const text = properties.get('auto.offset.reset') ?? (isFromBeginning ? 'earliest' : 'latest');
  if (isFromBeginning && text !== 'earliest')
    throw new CommandError(
      `Can't simultaneously specify --from-beginning and 'auto.offset.reset=${text}', please remove one option`,
    );
  if (text === 'earliest' || text === 'latest' || text === 'none') return text;
  throw new CommandError(
    `Invalid value ${text} for configuration auto.offset.reset: String must be one of: latest, earliest, none`,
  );
}

function startOf(options: ConsumerOptions, reset: ConsumerSettings['reset']): ConsumerSettings['start'] {
  const text = options.text('offset');
  if (text === undefined) {
    if (options.has('partition')) return options.has('from-beginning') ? 'earliest' : 'latest';
    if (reset !== 'none') return reset;
    throw new CommandError('Undefined offset with no reset policy for partitions: auto.offset.reset is none');
  }
  const place = text.toLowerCase();
  if (place === 'earliest' || place === 'latest') return place;
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new UsageError(
    `The provided offset value '${text}' is incorrect. ` +
      "Valid values are 'earliest', 'latest', or a non-negative long.",
  );
}

const LOGGER = 'org.apache.kafka.tools.consumer.ConsoleConsumer';
const PROCESSING_ERROR = 'Error processing message, terminating consumer process: ';
const EXIT_INTERRUPTED = 130;
const REQUEST_TIMEOUT_MS = 30_000;
/** A megabyte at a time is what reading fast needs. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024;

interface Consumption {
  readonly settings: ConsumerSettings;
  /** Null to read all partitions without a group. */
  readonly group: GroupSettings | null;
  readonly format: ReturnType<typeof recordFormatter>;
}

async function consume(
  options: ConsumerOptions,
  terminal: Terminal,
  properties: ReadonlyMap<string, string>,
  { settings, group, format }: Consumption,
): Promise<number> {
  const maxMessages = options.int('max-messages') ?? -1;
  const limit = maxMessages < 0 ? Number.POSITIVE_INFINITY : maxMessages;
  const logError = (message: string): void => terminal.error(logLine(terminal.clock.nowMs(), 'ERROR', message, LOGGER));
  const unreachable = new UnreachableBrokers();
  const newClient = (bytes = 0): ClusterClient => connect(options, terminal, properties, unreachable, bytes);
  const connectFetching = (): ClusterClient => newClient(RECEIVE_BUFFER_BYTES);
  const [cluster, fetching] = [newClient(), connectFetching()];
  const closeClients = (): void => {
    cluster.close();
    fetching.close();
  };
  const output = new GatheredOutput(terminal);
  let count = 0;
  // Closing the connections ends fetches that wait for records at brokers.
  const stop = (): void => {
    consumer.stop();
    closeClients();
  };
  const idle = new IdleTimer(terminal, options.long('timeout-ms') ?? -1, () => {
    logError(PROCESSING_ERROR);
    terminal.error('org.apache.kafka.common.errors.TimeoutException\n');
    stop();
  });
  const print = printing(output, format, options.has('skip-message-on-error'), (error) => {
    logError('Error processing message, skipping this message: ');
    terminal.error(`${error}\n`);
  });
  const sink: RecordSink = (record) => {
    if (count >= limit) return;
    count++;
    idle.restart();
    print(record);
    if (count >= limit) stop();
    return output.mayWait();
  };
  const consumer =
    group === null
      ? new RecordConsumer(cluster, fetching, settings, sink)
      : new GroupConsumer({ cluster, connectFetching, connect: newClient, settings, group, sink });
  let exitCode = 0;
  const stopListening = terminal.onInterrupt(() => {
    exitCode = EXIT_INTERRUPTED;
    stop();
  });
  const failure = limit > 0 ? await failureOf(consumer.run()) : null;
  if (failure !== null && !(failure instanceof DeserializationError) && exitCode === 0) {
    logError(PROCESSING_ERROR);
    terminal.error(`${String(failure)}\n`);
  }
  stopListening();
  idle.cancel();
  closeClients();
  output.flush();
  await terminal.drained();
  terminal.error(`Processed a total of ${count} messages\n`);
  if (options.has('enable-systest-events')) terminal.out('shutdown_complete\n');
  if (!(failure instanceof DeserializationError)) return exitCode;
  // Java says this when all is closed, hence after the count.
  logError('Unknown error when running consumer: ');
  terminal.error(`${failure}\n`);
  return 1;
}

/** Null when it went well. @throws what no user can be to blame for */
async function failureOf(run: Promise<void>): Promise<ApiError | DeserializationError | null> {
  try {
    await run;
    return null;
  } catch (error) {
    if (error instanceof ApiError || error instanceof DeserializationError) return error;
    throw error;
  }
}

/** Prints records, or passes over those that cannot be printed. */
function printing(
  output: GatheredOutput,
  format: Consumption['format'],
  skipsErrors: boolean,
  onSkipped: (error: DeserializationError) => void,
): (record: ConsumedRecord) => void {
  return (record) => {
    try {
      output.add(format(record));
    } catch (error) {
      if (!(error instanceof DeserializationError && skipsErrors)) throw error;
      onSkipped(error);
    }
  };
}

function connect(
  options: ConsumerOptions,
  terminal: Terminal,
  properties: ReadonlyMap<string, string>,
  unreachable: UnreachableBrokers,
  receiveBufferBytes: number,
): ClusterClient {
  try {
    return new ClusterClient({
      bootstrapServers: options.required('bootstrap-server'),
      clientId: properties.get('client.id') ?? 'console-consumer',
      kind: 'Consumer',
      clock: terminal.clock,
      requestTimeoutMs: milliseconds(properties, 'request.timeout.ms', REQUEST_TIMEOUT_MS),
      // As Java's consumer, which looks for a broker as long as it runs.
      apiTimeoutMs: Number.MAX_SAFE_INTEGER,
      unreachable,
      ...(receiveBufferBytes > 0 ? { receiveBufferBytes } : {}),
      warn: (message, logger) => terminal.error(logLine(terminal.clock.nowMs(), 'WARN', message, logger)),
    });
  } catch (error) {
    if (error instanceof ApiError) throw new CommandError(String(error));
    throw error;
  }
}
