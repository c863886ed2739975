/** kafka-console-consumer against a topic in memory. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { main } from '../../../src/cli/console-consumer.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { Metadata } from '../../../src/protocol/messages/index.ts';
import { buildBatch } from '../../../src/protocol/records/build.ts';
import { MemoryTopic } from '../../support/memory-topic.ts';
import { TestTerminal } from '../../support/test-terminal.ts';

const LOGGER = 'org.apache.kafka.tools.consumer.ConsoleConsumer';
let topic: MemoryTopic;
beforeEach(async () => {
  topic = await MemoryTopic.start('t', 2, 2);
});
afterEach(() => topic.close());

function append(partition: number, ...texts: string[]): void {
  const records = texts.map((text) => ({ key: null, value: Buffer.from(text), timestampMs: 5 }));
  topic.append(partition, buildBatch({ records }));
}

function start(...args: string[]) {
  const terminal = new TestTerminal();
  const ended = main(['--bootstrap-server', topic.bootstrap, '--topic', 't', ...args], terminal);
  return { terminal, ended };
}

async function consume(...args: string[]) {
  const { terminal, ended } = start(...args);
  return { exitCode: await ended, lines: terminal.stdout.split('\n').slice(0, -1), log: terminal.log };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('all partitions are read from their beginning, each in order, and the count goes to stderr', async () => {
  append(0, 'a', 'b');
  append(1, 'c');
  append(0, 'd');
  const { exitCode, lines, log } = await consume('--from-beginning', '--max-messages', '4');
  expect(exitCode).toBe(0);
  expect([...lines].sort()).toEqual(['a', 'b', 'c', 'd']);
  expect(lines.filter((line) => line !== 'c')).toEqual(['a', 'b', 'd']);
  expect(log).toBe('Processed a total of 4 messages\n');
});

test('by default only what comes is read', async () => {
  append(0, 'old');
  const { terminal, ended } = start('--max-messages', '1');
  await until(() => topic.brokers.every(({ received }) => received.some((name) => name.startsWith('Fetch'))));
  append(0, 'new');
  await ended;
  expect(terminal.stdout).toBe('new\n');
});

test('one partition is read from an offset on', async () => {
  append(0, 'a', 'b', 'c');
  append(1, 'other');
  const { lines } = await consume('--partition', '0', '--offset', '1', '--max-messages', '2');
  expect(lines).toEqual(['b', 'c']);
});

test('the limit is exact in the midst of a batch', async () => {
  append(0, 'a', 'b', 'c');
  expect((await consume('--from-beginning', '--max-messages', '2')).lines).toEqual(['a', 'b']);
  expect((await consume('--from-beginning', '--max-messages', '0')).log).toBe('Processed a total of 0 messages\n');
});

test('--timeout-ms ends the command with Java’s lines and exit code 0', async () => {
  append(0, 'a');
  const { exitCode, lines, log } = await consume('--from-beginning', '--timeout-ms', '100');
  expect(exitCode).toBe(0);
  expect(lines).toEqual(['a']);
  expect(log).toBe(
    'ERROR Error processing message, terminating consumer process:  ' +
      '(org.apache.kafka.tools.consumer.ConsoleConsumer)\n' +
      'org.apache.kafka.common.errors.TimeoutException\n' +
      'Processed a total of 1 messages\n',
  );
});

test('Ctrl-C ends the command with the count', async () => {
  append(0, 'a');
  const { terminal, ended } = start('--from-beginning');
  await until(() => terminal.stdout === 'a\n');
  terminal.interrupt();
  expect(await ended).toBe(130);
  expect(terminal.log).toBe('Processed a total of 1 messages\n');
});

test('a partition that moves to another broker is followed without a record twice or lost', async () => {
  append(0, 'a');
  const { terminal, ended } = start('--from-beginning', '--max-messages', '3');
  await until(() => terminal.stdout === 'a\n');
  const [partition] = topic.partitions;
  if (partition === undefined) throw new Error('no partition');
  partition.leader = 2;
  append(0, 'b', 'c');
  await ended;
  expect(terminal.stdout).toBe('a\nb\nc\n');
});

test('a lost connection is a warning, and reading goes on', async () => {
  append(0, 'a');
  const { terminal, ended } = start('--from-beginning', '--max-messages', '2');
  await until(() => terminal.stdout === 'a\n');
  for (const broker of topic.brokers) broker.dropConnections();
  append(0, 'b');
  await ended;
  expect(terminal.stdout).toBe('a\nb\n');
});

test('an offset that is gone is reset to where reading began', async () => {
  const [partition] = topic.partitions;
  if (partition === undefined) throw new Error('no partition');
  append(0, 'a', 'b');
  partition.startOffset = 2;
  append(0, 'c');
  partition.stored.shift();
  const args = ['--partition', '0', '--offset', '0', '--max-messages', '1'];
  const { lines, log } = await consume(...args, '--consumer-property', 'auto.offset.reset=earliest');
  expect(lines).toEqual(['c']);
  expect(log).toContain('Fetch position 0 is out of range for partition t-0, resetting offset to earliest');
});

test('with auto.offset.reset=none an offset that is gone ends the command', async () => {
  append(0, 'a');
  const { exitCode, log } = await consume(
    '--partition',
    '0',
    '--offset',
    '7',
    '--consumer-property',
    'auto.offset.reset=none',
  );
  expect(exitCode).toBe(0);
  expect(log).toContain('org.apache.kafka.common.errors.OffsetOutOfRangeException: Fetch position 7 is out of range');
});

test('a topic that is being made is waited for', async () => {
  topic.metadataFailures = [Errors.LEADER_NOT_AVAILABLE];
  append(0, 'a');
  const { lines, log } = await consume('--from-beginning', '--max-messages', '1');
  expect(lines).toEqual(['a']);
  expect(log).toMatch(/^WARN \[Consumer clientId=console-consumer\] Error while fetching metadata : \{t=LEADER_NOT/);
});

test('a partition that does not exist is waited for as Java does, but not in silence', async () => {
  const { exitCode, lines, log } = await consume('--partition', '17', '--from-beginning', '--timeout-ms', '100');
  expect([exitCode, lines]).toEqual([0, []]);
  expect(log).toContain(
    'WARN [Consumer clientId=console-consumer] Partition t-17 does not exist, waiting for it: t has 2 partition(s), ' +
      'from 0 to 1',
  );
});

test('topics may be chosen by a regular expression', async () => {
  append(1, 'a');
  const terminal = new TestTerminal();
  const args = ['--bootstrap-server', topic.bootstrap, '--include', 't|u', '--from-beginning', '--max-messages', '1'];
  expect(await main(args, terminal)).toBe(0);
  expect(terminal.stdout).toBe('a\n');
});

test("the cluster's own topics are chosen by no regular expression, unless they are asked for", async () => {
  const own = await MemoryTopic.start('__consumer_offsets', 1, 1);
  const records = [{ key: null, value: Buffer.from('a'), timestampMs: 5 }];
  own.append(0, buildBatch({ records }));
  const args = ['--bootstrap-server', own.bootstrap, '--include', '.*', '--from-beginning', '--max-messages', '1'];
  const terminal = new TestTerminal();
  expect(await main([...args, '--timeout-ms', '100'], terminal)).toBe(0);
  expect(terminal.stdout).toBe('');
  expect(await main([...args, '--consumer-property', 'exclude.internal.topics=false'], terminal)).toBe(0);
  expect(terminal.stdout).toBe('a\n');
  await own.close();
});

test.each([
  ['allow.auto.create.topics=true', true],
  ['allow.auto.create.topics=false', false],
])('with %s a topic is asked for so', async (property, isAllowed) => {
  const asked = new Set<boolean>();
  const [broker] = topic.brokers;
  broker?.on(Metadata, ({ topics, allowAutoTopicCreation }) => {
    if ((topics ?? []).length > 0) asked.add(allowAutoTopicCreation);
    return { brokers: [{ nodeId: 1, host: '127.0.0.1', port: broker.port }], controllerId: 1, topics: [] };
  });
  const terminal = new TestTerminal();
  const args = ['--bootstrap-server', broker?.address ?? '', '--topic', 't', '--timeout-ms', '50'];
  await main([...args, '--consumer-property', property], terminal);
  await main([...args, '--consumer-property', property, '--group', 'g'], terminal);
  expect([...asked]).toEqual([isAllowed]);
});

test('a value that cannot be printed ends the command, or is passed over when asked', async () => {
  append(0, 'abc');
  append(0, '12345678');
  const long = 'value.deserializer=org.apache.kafka.common.serialization.LongDeserializer';
  const args = ['--from-beginning', '--property', long, '--max-messages', '2'];
  const strict = await consume(...args);
  expect([strict.exitCode, strict.lines]).toEqual([1, []]);
  const why =
    'org.apache.kafka.common.errors.SerializationException: Size of data received by LongDeserializer is not 8';
  expect(strict.log).toMatch(/^Processed a total of [12] messages\nERROR Unknown error when running consumer: {2}\(/);
  expect(strict.log).toContain(`\n${why}\n`);
  const lenient = await consume(...args, '--skip-message-on-error');
  expect([lenient.exitCode, lenient.lines]).toEqual([0, ['3544952156018063160']]);
  expect(lenient.log).toContain(`ERROR Error processing message, skipping this message:  (${LOGGER})\n${why}\n`);
  expect(lenient.log).toContain('Processed a total of 2 messages\n');
});

test.each([
  [
    ['--group', 'g', '--consumer-property', 'group.id=h'],
    "The group ids provided in different places (directly using '--group', via '--consumer-property', or via " +
      "'--consumer.config') do not match. Detected group ids: 'g', 'h'",
  ],
  [['--group', ''], 'The configured group.id should not be an empty string or whitespace.'],
  [['--group', 'g', '--consumer-property', 'group.protocol=new'], 'Invalid value new for configuration group.protocol'],
  [
    ['--group', 'g', '--consumer-property', 'session.timeout.ms=3000'],
    'Heartbeat must be set lower than the session timeout',
  ],
  [['--offset', '5'], 'The partition is required when offset is specified.'],
  [['--partition', '0', '--offset', '-5'], "The provided offset value '-5' is incorrect."],
  [['--include', 'x'], 'Exactly one of --include/--topic is required.'],
  [
    ['--from-beginning', '--consumer-property', 'auto.offset.reset=latest'],
    "Can't simultaneously specify --from-beginning and 'auto.offset.reset=latest', please remove one option",
  ],
  [['--isolation-level', 'dirty'], 'Invalid value dirty for configuration isolation.level'],
])('%j is refused', async (args, message) => {
  const { exitCode, log } = await consume(...args);
  expect(exitCode).toBe(1);
  expect(log).toContain(message);
});

test.each([[], ['--group', 'g']])(
  'while the cluster is away an interrupt ends the command at once %s',
  async (...args) => {
    await topic.close();
    const { terminal, ended } = start(...args);
    // The third pause is 200 ms long, the fourth 400.
    const attempts = (): number => terminal.log.split('could not be established').length;
    await until(() => attempts() > 4);
    const before = attempts();
    terminal.interrupt();
    expect(await ended).toBe(130);
    // It was not tried again.
    expect(attempts()).toBe(before);
    topic = await MemoryTopic.start('t', 1, 1);
  },
);
