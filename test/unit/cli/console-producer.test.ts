/** kafka-console-producer against a topic in memory: what arrives, in which order, how often, whatever goes wrong. */
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { main } from '../../../src/cli/console-producer.ts';
import { partitionOfKey } from '../../../src/client/partitioner.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { batches } from '../../../src/protocol/records/batch.ts';
import { MemoryTopic } from '../../support/memory-topic.ts';
import { TestTerminal } from '../../support/test-terminal.ts';

let topic: MemoryTopic;
beforeEach(async () => {
  topic = await MemoryTopic.start('t', 3);
});
afterEach(() => topic.close());

async function produce(stdin: string, ...args: string[]) {
  const terminal = new TestTerminal({ stdin });
  const exitCode = await main(
    ['--bootstrap-server', topic.bootstrap, '--topic', 't', '--request-timeout-ms', '5000', ...args],
    terminal,
  );
  return { exitCode, stdout: terminal.stdout, log: terminal.log };
}

const all = () => [0, 1, 2].flatMap((partition) => topic.values(partition));
const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));

test('each line is a record, and the end of the input sends them all', async () => {
  expect(await produce('hello\nworld\r\nlast')).toEqual({ exitCode: 0, stdout: '', log: '' });
  expect(all()).toEqual(['hello', 'world', 'last']);
});

test('keys decide the partition as in Java', async () => {
  const keys = ['a', 'b', 'c', 'd', 'e'];
  await produce(
    keys.map((key) => `${key}:${key}`).join('\n'),
    '--property',
    'parse.key=true',
    '--property',
    'key.separator=:',
  );
  for (const key of keys) expect(topic.values(partitionOfKey(Buffer.from(key), 3))).toContain(key);
});

test('many lines keep their order in each partition and arrive in batches', async () => {
  const lines = numbers(5000);
  await produce(lines.join('\n'));
  const arrived = [0, 1, 2].map((partition) => topic.values(partition).map(Number));
  for (const values of arrived) expect(values).toEqual([...values].sort((a, b) => a - b));
  expect(arrived.flat().sort((a, b) => a - b)).toEqual(lines.map(Number));
  expect(topic.partitions.flatMap(({ stored }) => stored).length).toBeLessThan(50);
});

test.each(['gzip', 'snappy', 'lz4', 'zstd'])('--compression-codec %s compresses the batches', async (codec) => {
  await produce(numbers(50).join('\n'), '--compression-codec', codec);
  const [batch] = topic.partitions.flatMap(({ stored }) => stored.flatMap((bytes) => [...batches(bytes)]));
  expect(batch?.compression).toBe(codec);
  expect(all()).toHaveLength(50);
});

test('a batch whose answer was lost is sent again and stored once', async () => {
  topic.produceFailures.push('lost', 'lost');
  expect((await produce(numbers(10).join('\n'))).exitCode).toBe(0);
  expect(all()).toEqual(numbers(10));
});

test('errors that may pass are tried again and cost no record', async () => {
  topic.produceFailures.push(Errors.NOT_ENOUGH_REPLICAS, Errors.NOT_LEADER_OR_FOLLOWER);
  const { log } = await produce(numbers(10).join('\n'));
  expect(log).toBe('');
  expect(all()).toEqual(numbers(10));
});

test('a record that is given up is an error line, and the others are sent', async () => {
  topic.produceFailures.push(Errors.MESSAGE_TOO_LARGE);
  const { exitCode, log } = await produce('first\nsecond', '--batch-size', '1');
  expect(exitCode).toBe(0);
  expect(log).toBe(
    'ERROR Error when sending message to topic t with key: null, value: 5 bytes with error: ' +
      '(org.apache.kafka.clients.producer.internals.ErrorLoggingCallback)\n' +
      'org.apache.kafka.common.errors.RecordTooLargeException: The request included a message larger than the max ' +
      'message size the server will accept.\n',
  );
  expect(all()).toEqual(['second']);
});

test('a record larger than max.request.size is refused here', async () => {
  const { log } = await produce(`${'x'.repeat(200)}\nok`, '--producer-property', 'max.request.size=150');
  expect(log).toContain('larger than 150, which is the value of the max.request.size configuration.');
  expect(all()).toEqual(['ok']);
});

test('after the retries the failure is told with its Java name', async () => {
  topic.produceFailures.push(...Array.from({ length: 4 }, () => Errors.NOT_ENOUGH_REPLICAS));
  const { log } = await produce('a', '--retry-backoff-ms', '1');
  expect(log).toContain('org.apache.kafka.common.errors.NotEnoughReplicasException: Messages are rejected');
  expect(all()).toEqual([]);
});

test('--request-required-acks 0 waits for no answer, 1 sends no producer id', async () => {
  await produce('a\nb', '--request-required-acks', '0');
  await produce('c', '--producer-property', 'acks=1', '--request-required-acks', '1');
  expect(topic.acks).toEqual([0, 1]);
  expect(all().sort()).toEqual(['a', 'b', 'c']);
  const stored = topic.partitions.flatMap((of) => of.stored.flatMap((bytes) => [...batches(bytes)]));
  expect(stored.map(({ producerId }) => producerId)).toEqual([-1, -1]);
});

test('--sync stops at the first failure', async () => {
  topic.produceFailures.push(Errors.INVALID_RECORD);
  const { exitCode, log } = await produce('a\nb', '--sync');
  expect(exitCode).toBe(1);
  expect(log).toMatch(/^org\.apache\.kafka\.common\.errors\.InvalidRecord/);
  expect(all()).toEqual([]);
});

test('a new leader is found and gets what the old one refuses', async () => {
  await topic.close();
  topic = await MemoryTopic.start('t', 1, 2);
  topic.produceFailures.push(Errors.NOT_LEADER_OR_FOLLOWER);
  const [partition] = topic.partitions;
  if (partition === undefined) throw new Error('no partition');
  partition.leader = 2;
  await produce('a\nb');
  expect(topic.values(0)).toEqual(['a', 'b']);
  expect(topic.brokers[1]?.received).toContain('Produce v11');
});

test('a topic that is being made is waited for, with Java’s warning', async () => {
  topic.metadataFailures = [Errors.LEADER_NOT_AVAILABLE];
  const { log } = await produce('a', '--retry-backoff-ms', '1');
  expect(log).toBe(
    'WARN [Producer clientId=console-producer] Error while fetching metadata with correlation id 1 : ' +
      '{t=LEADER_NOT_AVAILABLE} (org.apache.kafka.clients.NetworkClient)\n',
  );
  expect(all()).toEqual(['a']);
});

test('a topic that does not come is an error of each record after max.block.ms', async () => {
  topic.metadataFailures = Array.from({ length: 100 }, () => Errors.UNKNOWN_TOPIC_OR_PARTITION);
  const { log, exitCode } = await produce('a', '--max-block-ms', '50');
  expect(exitCode).toBe(0);
  expect(log).toContain(
    'org.apache.kafka.common.errors.TimeoutException: Topic t not present in metadata after 50 ms.\n',
  );
});

test('a line that cannot be parsed ends the command after what came before it was sent', async () => {
  const { exitCode, log } = await produce('a\tb\nc', '--property', 'parse.key=true');
  expect(exitCode).toBe(1);
  expect(log).toBe("org.apache.kafka.common.KafkaException: No key separator found on line number 2: 'c'\n");
  expect(all()).toEqual(['b']);
});

test('the prompt shows only to a person', async () => {
  const terminal = new TestTerminal({ stdin: 'a\nb\n', isPerson: true });
  await main(['--bootstrap-server', topic.bootstrap, '--topic', 't'], terminal);
  expect(terminal.stdout).toBe('>>>\n');
});

test('at Ctrl-C what was typed is sent before the command leaves', async () => {
  const stdin = new PassThrough();
  const terminal = new TestTerminal({ stdin });
  const running = main(['--bootstrap-server', topic.bootstrap, '--topic', 't', '--timeout', '60000'], terminal);
  stdin.write('typed\n');
  await new Promise((resolve) => setImmediate(resolve));
  terminal.interrupt();
  expect(await running).toBe(130);
  expect(all()).toEqual(['typed']);
});

test.each([
  [['--compression-codec', 'lzma'], 'Invalid value lzma for configuration compression.type'],
  [['--request-required-acks', '2'], 'Invalid value 2 for configuration acks'],
  [['--batch-size', 'x'], 'Invalid value x for configuration batch.size: Not a number of type INT'],
  [['--producer-property', 'transactional.id=x'], 'transactional.id is not supported yet'],
  [['--producer-property', 'security.protocol=SSL'], 'security.protocol=SSL is not supported yet'],
  [['--producer-property', 'enable.idempotence=true', '--request-required-acks', '1'], 'Must set acks to all'],
  [['--line-reader', 'com.example.Mine'], 'There is no line reader com.example.Mine here.'],
])('%j is refused', async (args, message) => {
  const { exitCode, log } = await produce('a', ...args);
  expect(exitCode).toBe(1);
  expect(log).toContain(message);
  expect(all()).toEqual([]);
});

test('while the cluster is away an interrupt ends the command at once, and what is lost is said', async () => {
  await topic.close();
  const stdin = new PassThrough();
  const terminal = new TestTerminal({ stdin });
  const ended = main(['--bootstrap-server', topic.bootstrap, '--topic', 't'], terminal);
  stdin.write('never\n');
  while (!terminal.log.includes('could not be established')) await new Promise((resolve) => setTimeout(resolve, 5));
  terminal.interrupt();
  expect(await ended).toBe(130);
  expect(terminal.log).toContain('Without a broker, 1 record(s) were not sent.\n');
  topic = await MemoryTopic.start('t', 1);
});
