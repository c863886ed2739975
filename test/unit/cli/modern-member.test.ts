/** kafka-console-consumer as a member of the new protocol (KIP-848), against a scripted coordinator. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { main } from '../../../src/cli/console-consumer.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { ConsumerGroupHeartbeat, OffsetCommit } from '../../../src/protocol/messages/index.ts';
import type { RequestOf } from '../../../src/protocol/schema.ts';
import { buildBatch } from '../../../src/protocol/records/build.ts';
import { MemoryGroup } from '../../support/memory-group.ts';
import { MEMORY_TOPIC_ID, MemoryTopic } from '../../support/memory-topic.ts';
import { TestTerminal } from '../../support/test-terminal.ts';

type Heartbeat = RequestOf<typeof ConsumerGroupHeartbeat>;

let topic: MemoryTopic;
/** What members said and committed, in order. */
let events: string[];
/** What the member shall have. */
let target: number[];
/** Errors for the next heartbeats after a join, and for the next commits; 'lost' is heard and not answered. */
let heartbeatFailures: (number | 'lost')[];
let commitFailures: number[];
/** The heartbeat after a commit that failed is refused, too. */
let failsTwice: boolean;
let epoch: number;

beforeEach(async () => {
  topic = await MemoryTopic.start('t', 2, 1);
  events = [];
  target = [0, 1];
  heartbeatFailures = [];
  commitFailures = [];
  failsTwice = false;
  epoch = 0;
  script();
});
afterEach(() => topic.close());

function script(maxVersion = ConsumerGroupHeartbeat.highestVersion): void {
  const [broker] = topic.brokers;
  if (broker === undefined) throw new Error('a broker is needed');
  const group = new MemoryGroup(broker);
  let told = '';
  broker
    .on(
      ConsumerGroupHeartbeat,
      (request, version) => {
        const { memberId, memberEpoch, topicPartitions } = request;
        const failure = memberEpoch > 0 ? heartbeatFailures.shift() : undefined;
        if (typeof failure === 'number') {
          events.push(`refused ${memberEpoch}`);
          return { errorCode: failure, errorMessage: 'so it is' };
        }
        note(request);
        if (memberEpoch < 0) return { errorCode: 0, memberEpoch };
        if (memberEpoch === 0) told = '';
        if (memberEpoch === 0 || told !== target.join()) epoch++;
        const mustTell = told !== target.join() || topicPartitions !== null;
        told = target.join();
        if (failure === 'lost') return null;
        return {
          errorCode: 0,
          memberId: version === 0 ? 'named-by-coordinator' : memberId,
          memberEpoch: epoch,
          heartbeatIntervalMs: 20,
          assignment: mustTell ? { topicPartitions: [{ topicId: MEMORY_TOPIC_ID, partitions: target }] } : null,
        };
      },
      maxVersion,
    )
    .on(OffsetCommit, ({ generationIdOrMemberEpoch, topics }) => {
      const errorCode = commitFailures.shift() ?? 0;
      if (errorCode !== 0 && failsTwice) heartbeatFailures = [Errors.FENCED_MEMBER_EPOCH];
      const partitions = topics[0]?.partitions ?? [];
      for (const { partitionIndex, committedOffset } of partitions)
        if (errorCode === 0) group.offsets.set(`t/${partitionIndex}`, committedOffset);
      const offsets = partitions.map(({ partitionIndex, committedOffset }) => `${partitionIndex}=${committedOffset}`);
      events.push(
        `${errorCode === 0 ? 'commits' : 'may not commit'} ${offsets.sort().join(' ')} @${generationIdOrMemberEpoch}`,
      );
      return {
        topics: [{ name: 't', partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) }],
      };
    });
}

function note({ memberEpoch, instanceId, subscribedTopicNames, serverAssignor, topicPartitions }: Heartbeat): void {
  const owned = topicPartitions?.flatMap(({ partitions }) => partitions).join() ?? null;
  const assignor = serverAssignor === null ? '' : ` by ${serverAssignor}`;
  const extra = `${instanceId === null ? '' : ` as ${instanceId}`}${assignor}`;
  if (memberEpoch === 0) events.push(`joins ${subscribedTopicNames?.join()}${extra}`);
  else if (memberEpoch < 0) events.push(`leaves with ${memberEpoch}${extra}`);
  else if (owned !== null) events.push(`has [${owned}]`);
}

function append(partition: number, ...texts: string[]): void {
  const records = texts.map((text) => ({ key: null, value: Buffer.from(text), timestampMs: 5 }));
  topic.append(partition, buildBatch({ records }));
}

function start(...args: string[]) {
  const terminal = new TestTerminal();
  const base = ['--bootstrap-server', topic.bootstrap, '--topic', 't', '--group', 'g', '--from-beginning'];
  const ended = main([...base, '--consumer-property', 'group.protocol=consumer', ...args], terminal);
  return { terminal, ended };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a member of the new protocol', () => {
  it.each([1, 0])('joins, takes what it is given, commits at its epoch and leaves (v%i)', async (version) => {
    script(version);
    append(0, 'a', 'b');
    append(1, 'c');
    const { terminal, ended } = start('--max-messages', '3');
    expect(await ended).toBe(0);
    expect(terminal.stdout.split('\n').sort()).toEqual(['', 'a', 'b', 'c']);
    expect(events).toEqual(['joins t', 'has [0,1]', 'commits 0=2 1=1 @1', 'leaves with -1']);
  });

  it('commits before it gives partitions back, and takes new ones', async () => {
    append(0, 'a');
    append(1, 'b');
    const { terminal, ended } = start('--max-messages', '3');
    await until(() => terminal.stdout.length === 4);
    target = [1];
    await until(() => events.includes('has [1]'));
    target = [0, 1];
    await until(() => events.filter((event) => event === 'has [0,1]').length === 2);
    append(0, 'c');
    await ended;
    expect(terminal.stdout.endsWith('c\n')).toBe(true);
    expect(events.slice(0, 6)).toEqual([
      'joins t',
      'has [0,1]',
      'commits 0=1 1=1 @2',
      'has [1]',
      'commits 1=1 @3',
      'has [0,1]',
    ]);
    expect(events.at(-1)).toBe('leaves with -1');
  });

  it.each(['FENCED_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID'] as const)('joins again after %s', async (error) => {
    append(0, 'a');
    const { terminal, ended } = start('--max-messages', '3');
    await until(() => terminal.stdout === 'a\n');
    heartbeatFailures = [Errors[error]];
    await until(() => events.filter((event) => event === 'joins t').length === 2);
    append(0, 'b');
    await ended;
    expect(terminal.stdout).toBe('a\na\nb\n');
    expect(events).toEqual([
      'joins t',
      'has [0,1]',
      'refused 1',
      'joins t',
      'has [0,1]',
      'commits 0=2 1=0 @2',
      'leaves with -1',
    ]);
  });

  it('says what it has when an answer was lost, and so learns what it shall have', async () => {
    append(0, 'a');
    append(1, 'b');
    const { terminal, ended } = start('--max-messages', '3');
    await until(() => terminal.stdout.length === 4);
    target = [1];
    heartbeatFailures = ['lost'];
    await until(() => events.at(-1) === 'has [1]');
    append(1, 'c');
    await ended;
    expect(terminal.stdout.endsWith('c\n')).toBe(true);
    expect(events).toEqual([
      'joins t',
      'has [0,1]',
      'has [0,1]',
      'commits 0=1 1=1 @2',
      'has [1]',
      'commits 1=2 @2',
      'leaves with -1',
    ]);
  });

  it('asks for its epoch when a commit came too late for it', async () => {
    append(0, 'a');
    commitFailures = [Errors.STALE_MEMBER_EPOCH];
    const { terminal, ended } = start('--max-messages', '1');
    await ended;
    expect(terminal.log).toBe('Processed a total of 1 messages\n');
    expect(events.slice(-3).map((event) => event.replace(/ 1=0/, ''))).toEqual([
      'may not commit 0=1 @1',
      'commits 0=1 @1',
      'leaves with -1',
    ]);
  });

  it('commits nothing of the time before when it learns by a commit that it was fenced', async () => {
    append(0, 'a');
    commitFailures = [Errors.STALE_MEMBER_EPOCH];
    failsTwice = true;
    const { terminal, ended } = start('--max-messages', '2', '--consumer-property', 'auto.commit.interval.ms=1');
    await until(() => terminal.stdout === 'a\na\n');
    await ended;
    const refused = events.indexOf('refused 1');
    const after = events.slice(refused, refused + 3);
    expect(after).toEqual(['refused 1', 'joins t', 'has [0,1]']);
  });

  it('that is static says that it will be back', async () => {
    append(0, 'a');
    const properties = ['group.instance.id=desk-7', 'group.remote.assignor=range'];
    const { ended } = start(
      '--max-messages',
      '1',
      ...properties.flatMap((property) => ['--consumer-property', property]),
    );
    await ended;
    expect([events[0], events.at(-1)]).toEqual(['joins t as desk-7 by range', 'leaves with -2 as desk-7']);
  });

  it('gives up where trying again does not help', async () => {
    heartbeatFailures = [Errors.UNSUPPORTED_ASSIGNOR];
    const { terminal, ended } = start();
    expect(await ended).toBe(0);
    expect(terminal.log).toContain('org.apache.kafka.common.errors.UnsupportedAssignorException: so it is\n');
  });

  it('joins when there is a topic for it to read', async () => {
    topic.metadataFailures = [Errors.UNKNOWN_TOPIC_OR_PARTITION];
    append(0, 'a');
    const terminal = new TestTerminal();
    const args = ['--bootstrap-server', topic.bootstrap, '--include', 't.*', '--group', 'g', '--from-beginning'];
    const protocol = ['--consumer-property', 'group.protocol=consumer'];
    expect(await main([...args, ...protocol, '--max-messages', '1'], terminal)).toBe(0);
    expect([terminal.stdout, events[0]]).toEqual(['a\n', 'joins t']);
  });

  it('does not join for nothing', async () => {
    const terminal = new TestTerminal();
    const args = ['--bootstrap-server', topic.bootstrap, '--include', 'no.*', '--group', 'g'];
    expect(
      await main([...args, '--consumer-property', 'group.protocol=consumer', '--timeout-ms', '50'], terminal),
    ).toBe(0);
    expect(events).toEqual([]);
  });

  it('leaves to the brokers what the new protocol leaves to them', async () => {
    const { terminal, ended } = start('--consumer-property', 'session.timeout.ms=9000');
    expect(await ended).toBe(1);
    expect(terminal.log).toBe('session.timeout.ms cannot be set when group.protocol=CONSUMER\n');
  });
});
