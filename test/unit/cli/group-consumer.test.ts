/** kafka-console-consumer --group against a scripted coordinator: joining, committing, making room, leaving. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { main } from '../../../src/cli/console-consumer.ts';
import { type Clock, SystemClock, type Timer } from '../../../src/lib/clock.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { buildBatch } from '../../../src/protocol/records/build.ts';
import { MemoryGroup } from '../../support/memory-group.ts';
import { MemoryTopic } from '../../support/memory-topic.ts';
import { TestTerminal } from '../../support/test-terminal.ts';

let topic: MemoryTopic;
let group: MemoryGroup;
beforeEach(async () => {
  topic = await MemoryTopic.start('t', 2, 2);
  group = coordinate();
});
afterEach(() => topic.close());

/** Makes the first broker the coordinator; the second sends everybody there. */
function coordinate(options: ConstructorParameters<typeof MemoryGroup>[1] = {}): MemoryGroup {
  const [first, second] = topic.brokers;
  if (first === undefined || second === undefined) throw new Error('two brokers are needed');
  const made = new MemoryGroup(first, options);
  new MemoryGroup(second, options);
  return made;
}

function append(partition: number, ...texts: string[]): void {
  const records = texts.map((text) => ({ key: null, value: Buffer.from(text), timestampMs: 5 }));
  topic.append(partition, buildBatch({ records }));
}

/** Its seconds are twentieths. */
class QuickClock extends SystemClock {
  override monotonicMs(): number {
    return super.monotonicMs() * 20;
  }

  override schedule(delayMs: number, callback: () => void): Timer {
    return super.schedule(delayMs / 20, callback);
  }
}

function start(args: readonly string[], clock: Clock = new SystemClock()) {
  const terminal = new TestTerminal({ clock });
  const [first] = topic.brokers;
  const base = ['--bootstrap-server', first?.address ?? '', '--topic', 't', '--group', 'g'];
  const ended = main([...base, '--consumer-property', 'heartbeat.interval.ms=20', ...args], terminal);
  return { terminal, ended };
}

async function consume(...args: string[]) {
  const { terminal, ended } = start(args);
  return { exitCode: await ended, lines: terminal.stdout.split('\n').slice(0, -1), log: terminal.log };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a member of a group', () => {
  it('joins, reads, commits what it printed and leaves', async () => {
    append(0, 'a', 'b', 'c');
    const { exitCode, lines, log } = await consume('--from-beginning', '--max-messages', '2');
    expect([exitCode, lines]).toEqual([0, ['a', 'b']]);
    expect(log).toBe('Processed a total of 2 messages\n');
    expect(group.events.map((event) => event.replace(/ 1=\d/, ''))).toEqual([
      'named member-1',
      'joined member-1 for t by range',
      'committed 0=2 by member-1',
      'left member-1',
    ]);
  });

  it('begins where the group was, whatever --from-beginning says', async () => {
    group.offsets.set('t/0', 1);
    append(0, 'a', 'b');
    append(1, 'c');
    const { lines } = await consume('--from-beginning', '--max-messages', '2');
    expect(lines.sort()).toEqual(['b', 'c']);
    expect([...group.offsets].sort()).toEqual([
      ['t/0', 2],
      ['t/1', 1],
    ]);
  });

  it('begins at the end where the group has not been', async () => {
    append(0, 'old');
    const { terminal, ended } = start(['--max-messages', '1']);
    await until(() => topic.brokers.every(({ received }) => received.some((name) => name.startsWith('Fetch'))));
    append(0, 'new');
    await ended;
    expect(terminal.stdout).toBe('new\n');
  });

  it('commits now and then', async () => {
    append(0, 'a');
    const { terminal, ended } = start(['--from-beginning', '--consumer-property', 'auto.commit.interval.ms=10']);
    await until(() => group.offsets.get('t/0') === 1);
    append(0, 'b');
    await until(() => group.offsets.get('t/0') === 2);
    terminal.interrupt();
    expect(await ended).toBe(130);
    expect(terminal.stdout).toBe('a\nb\n');
  });

  it('tells again after a while how far it is, so that its offsets do not grow old', async () => {
    const { terminal, ended } = start(['--from-beginning'], new QuickClock());
    const commits = () => group.events.filter((event) => event.startsWith('committed'));
    await until(() => new Set(commits()).size < commits().length);
    const count = commits().length;
    terminal.interrupt();
    await ended;
    expect(commits()).toHaveLength(count);
  });

  it('commits nothing with enable.auto.commit=false', async () => {
    append(0, 'a');
    await consume('--from-beginning', '--max-messages', '1', '--consumer-property', 'enable.auto.commit=false');
    expect(group.offsets.size).toBe(0);
    expect(group.events.at(-1)).toBe('left member-1');
  });

  it('commits before it makes room, and goes on from there', async () => {
    append(0, 'a', 'b');
    const { terminal, ended } = start(['--from-beginning', '--max-messages', '3']);
    await until(() => terminal.stdout === 'a\nb\n');
    group.fail('heartbeat', Errors.REBALANCE_IN_PROGRESS);
    await until(() => group.events.filter((event) => event.startsWith('joined')).length === 2);
    append(0, 'c');
    await ended;
    expect(terminal.stdout).toBe('a\nb\nc\n');
    expect(group.events.map((event) => event.replace(/ 1=\d/, ''))).toEqual([
      'named member-1',
      'joined member-1 for t by range',
      'committed 0=2 by member-1',
      'joined member-1 for t by range',
      'committed 0=3 by member-1',
      'left member-1',
    ]);
  });

  it('never commits less after more, however late a commit is', async () => {
    append(0, 'a');
    group.fail('commit', Errors.COORDINATOR_LOAD_IN_PROGRESS);
    const { terminal, ended } = start(['--from-beginning', '--consumer-property', 'auto.commit.interval.ms=10']);
    await until(() => group.failures.get('commit')?.length === 0);
    append(0, 'b');
    await until(() => terminal.stdout === 'a\nb\n');
    group.isJoinBlocked = true;
    group.fail('heartbeat', Errors.REBALANCE_IN_PROGRESS);
    await until(() => group.events.filter((event) => event.startsWith('committed')).length === 2);
    expect(group.offsets.get('t/0')).toBe(2);
    terminal.interrupt();
    await ended;
  });

  it.each([
    ['UNKNOWN_MEMBER_ID', 'member-2'],
    ['ILLEGAL_GENERATION', 'member-1'],
  ] as const)('comes back after %s as %s, and commits nothing of the time before', async (error, memberId) => {
    append(0, 'a');
    const { terminal, ended } = start(['--from-beginning', '--max-messages', '3']);
    await until(() => terminal.stdout === 'a\n');
    group.fail('heartbeat', Errors[error]);
    await until(() => group.events.filter((event) => event.startsWith('joined')).length === 2);
    append(0, 'b');
    await ended;
    // At least once, as Kafka promises.
    expect(terminal.stdout).toBe('a\na\nb\n');
    expect(group.events.slice(-3).map((event) => event.replace(/ 1=\d/, ''))).toEqual([
      `joined ${memberId} for t by range`,
      `committed 0=2 by ${memberId}`,
      `left ${memberId}`,
    ]);
  });

  it('tries again what a coordinator cannot answer yet', async () => {
    append(0, 'a');
    group.fail('find', Errors.COORDINATOR_NOT_AVAILABLE);
    group.fail('join', Errors.COORDINATOR_LOAD_IN_PROGRESS, Errors.NOT_COORDINATOR);
    group.fail('sync', Errors.REBALANCE_IN_PROGRESS);
    group.fail('fetch', Errors.UNSTABLE_OFFSET_COMMIT);
    const { lines, log } = await consume('--from-beginning', '--max-messages', '1');
    expect([lines, log]).toEqual([['a'], 'Processed a total of 1 messages\n']);
  });

  it('says when offsets could not be committed', async () => {
    append(0, 'a');
    group.fail('commit', Errors.UNKNOWN_MEMBER_ID);
    const { log } = await consume('--from-beginning', '--max-messages', '1');
    expect(log).toMatch(/^WARN \[Consumer clientId=console-consumer\] Auto-commit of offsets of group g failed: /);
    expect(log).toContain('Processed a total of 1 messages\n');
  });

  it.each([
    ['GROUP_MAX_SIZE_REACHED', 'GroupMaxSizeReachedException'],
    ['INVALID_SESSION_TIMEOUT', 'InvalidSessionTimeoutException'],
    ['INCONSISTENT_GROUP_PROTOCOL', 'InconsistentGroupProtocolException'],
  ] as const)('gives up after %s', async (error, exception) => {
    group.fail('join', Errors[error]);
    const { exitCode, log } = await consume();
    expect(exitCode).toBe(0);
    expect(log).toMatch(/^ERROR Error processing message, terminating consumer process: /);
    expect(log).toContain(`\norg.apache.kafka.common.errors.${exception}: `);
    expect(log).toMatch(/Processed a total of 0 messages\n$/);
  });

  it('with auto.offset.reset=none reads nothing where the group has not been', async () => {
    const { exitCode, log } = await consume('--consumer-property', 'auto.offset.reset=none');
    expect(exitCode).toBe(0);
    expect(log).toContain('Undefined offset with no reset policy for partitions: [t-0, t-1]');
    expect(group.events.at(-1)).toBe('left member-1');
  });

  it('that is static keeps its place when it ends', async () => {
    append(0, 'a');
    const instance = ['--consumer-property', 'group.instance.id=desk-7'];
    await consume('--from-beginning', '--max-messages', '1', ...instance);
    expect(group.events.map((event) => event.replace(/ 1=\d/, ''))).toEqual([
      'joined member-1 as desk-7 for t by range',
      'committed 0=1 by member-1',
    ]);
  });

  it('leaves when it is interrupted while others are waited for', async () => {
    group.isJoinBlocked = true;
    const { terminal, ended } = start([]);
    await until(() => topic.brokers[0]?.received.filter((name) => name.startsWith('JoinGroup')).length === 2);
    terminal.interrupt();
    expect(await ended).toBe(130);
    expect(group.events).toEqual(['named member-1', 'left member-1']);
    expect(terminal.log).toBe('Processed a total of 0 messages\n');
  });

  it('ends after a few seconds when nobody answers any more', async () => {
    append(0, 'a');
    const clock = new QuickClock();
    const { terminal, ended } = start(['--from-beginning'], clock);
    await until(() => terminal.stdout === 'a\n');
    group.fail('commit', ...new Array<number>(1000).fill(Errors.COORDINATOR_NOT_AVAILABLE));
    const startedAt = clock.monotonicMs();
    terminal.interrupt();
    await ended;
    expect(clock.monotonicMs() - startedAt).toBeGreaterThan(4000);
    expect(terminal.log).toContain('Auto-commit of offsets of group g failed: Timed out');
  });

  it('ends after a few seconds when the coordinator hangs', async () => {
    append(0, 'a');
    const clock = new QuickClock();
    const { terminal, ended } = start(['--from-beginning'], clock);
    await until(() => terminal.stdout === 'a\n');
    group.beforeCommit = new Promise(() => {});
    const startedAt = clock.monotonicMs();
    terminal.interrupt();
    await ended;
    expect(clock.monotonicMs() - startedAt).toBeLessThan(20_000);
    expect(terminal.log).toContain('Auto-commit of offsets of group g failed: Timed out');
  });

  it('tells its assignors in the order of preference', async () => {
    append(0, 'a');
    const strategy =
      'partition.assignment.strategy=org.apache.kafka.clients.consumer.CooperativeStickyAssignor,' +
      'org.apache.kafka.clients.consumer.RoundRobinAssignor,range';
    await consume('--from-beginning', '--max-messages', '1', '--consumer-property', strategy);
    expect(group.events[1]).toBe('joined member-1 for t by roundrobin,range');
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'speaks with brokers that know version %i of its APIs at most',
    async (version) => {
      group = coordinate({ maxVersion: version });
      append(0, 'a', 'b');
      const { lines, log } = await consume('--from-beginning', '--max-messages', '2');
      expect([lines, log]).toEqual([['a', 'b'], 'Processed a total of 2 messages\n']);
      expect(group.offsets.get('t/0')).toBe(2);
      expect(group.events.at(-1)).toBe('left member-1');
    },
  );
});
