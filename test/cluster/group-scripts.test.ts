/** The scripts for groups against real coordinators: reading in company, seeing where a group is, moving it. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { createTopic } from '../support/admin.ts';
import { ConsoleMember } from '../support/console-member.ts';
import { eventually } from '../support/eventually.ts';
import { script, scriptLines } from '../support/scripts.ts';
import { useCluster } from '../support/use-cluster.ts';

const cluster = useCluster({
  overrides: {
    'offsets.topic.num.partitions': '4',
    'offsets.topic.replication.factor': '3',
    'group.coordinator.rebalance.protocols': 'classic,consumer',
    'group.consumer.heartbeat.interval.ms': '200',
    'group.consumer.min.heartbeat.interval.ms': '100',
  },
});

const at = (...args: string[]): string[] => ['--bootstrap-server', cluster().bootstrap, ...args];

/** Lines `first` up to and including `last`, spread over the partitions by their keys. */
async function produce(topic: string, first: number, last: number): Promise<void> {
  const lines = Array.from({ length: last - first + 1 }, (_, index) => `k${first + index}:${first + index}\n`);
  const properties = ['--property', 'parse.key=true', '--property', 'key.separator=:'];
  await scriptLines('kafka-console-producer.sh', at('--topic', topic, ...properties), { input: lines.join('') });
}

function join(topic: string, group: string, ...args: string[]): ConsoleMember {
  const member = new ConsoleMember(cluster().bootstrap, group, ['--topic', topic, ...args]);
  onTestFinished(async () => {
    await member.stop('SIGKILL');
  });
  return member;
}

/** As a member of a classic group that soon hears of changes, or of one of the new protocol (KIP-848). */
const PROTOCOLS = {
  classic: ['--consumer-property', 'heartbeat.interval.ms=200'],
  consumer: ['--consumer-property', 'group.protocol=consumer'],
};

/** The columns of the group's rows, without its name. */
async function describeGroup(group: string, ...args: string[]): Promise<string[][]> {
  const lines = await scriptLines('kafka-consumer-groups.sh', at('--describe', '--group', group, ...args));
  return lines.filter((line) => line.startsWith(`${group} `)).map((line) => line.trim().split(/\s+/).slice(1));
}

const numbers = (...members: ConsoleMember[]): number[] =>
  members.flatMap(({ lines }) => lines.map(Number)).sort((one, other) => one - other);
const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('kafka-console-consumer --group', () => {
  it('goes on where the group was, to the record', async () => {
    await createTopic(cluster(), 'once', { partitions: 1, replicationFactor: 3 });
    await produce('once', 1, 100);
    const args = at('--topic', 'once', '--group', 'clerk', '--from-beginning', '--max-messages');
    expect((await scriptLines('kafka-console-consumer.sh', [...args, '7'])).map(Number)).toEqual(range(1, 7));
    expect((await scriptLines('kafka-console-consumer.sh', [...args, '13'])).map(Number)).toEqual(range(8, 20));
    const [[topic, partition, offset, end, lag] = []] = await describeGroup('clerk');
    expect([topic, partition, offset, end, lag]).toEqual(['once', '0', '20', '100', '80']);
  });

  it.each(['classic', 'consumer'] as const)(
    'shares the partitions without a record lost or printed twice (%s)',
    async (protocol) => {
      const topic = `shared-${protocol}`;
      const group = `team-${protocol}`;
      await createTopic(cluster(), topic, { partitions: 6, replicationFactor: 3 });
      const first = join(topic, group, ...PROTOCOLS[protocol]);
      await produce(topic, 1, 500);
      await eventually(() => expect(first.lines.length).toBeGreaterThan(0));
      const second = join(topic, group, ...PROTOCOLS[protocol]);
      await eventually(async () => {
        const members = await describeGroup(group, '--members');
        expect(members.map((cells) => cells.at(-1))).toEqual(['3', '3']);
      });
      await produce(topic, 501, 1000);
      await eventually(() => expect(numbers(first, second)).toHaveLength(1000));
      expect(second.lines.length).toBeGreaterThan(0);
      expect(await first.stop()).toBe(130);
      expect(first.stderr).toBe(`Processed a total of ${first.lines.length} messages\n`);
      await produce(topic, 1001, 1200);
      await eventually(() => expect(numbers(first, second)).toHaveLength(1200));
      await second.stop();
      expect(numbers(first, second)).toEqual(range(1, 1200));
      const rows = await describeGroup(group);
      expect(rows.map(([, partition, , , lag]) => `${partition}: ${lag}`)).toEqual(
        range(0, 5).map((index) => `${index}: 0`),
      );
    },
  );

  it('finds partitions and topics that are added', async () => {
    await createTopic(cluster(), 'growing-a', { partitions: 1, replicationFactor: 3 });
    const args = ['--consumer-property', 'metadata.max.age.ms=300', '--consumer-property', 'heartbeat.interval.ms=200'];
    const member = new ConsoleMember(cluster().bootstrap, 'gardener', ['--include', 'growing-.*', ...args]);
    onTestFinished(async () => {
      await member.stop('SIGKILL');
    });
    await produce('growing-a', 1, 10);
    await eventually(() => expect(numbers(member)).toEqual(range(1, 10)));
    await createTopic(cluster(), 'growing-b', { partitions: 2, replicationFactor: 3 });
    await produce('growing-b', 11, 30);
    await eventually(() => expect(numbers(member)).toEqual(range(1, 30)));
    await scriptLines('kafka-topics.sh', at('--alter', '--topic', 'growing-a', '--partitions', '3'));
    await eventually(async () => expect(await describeGroup('gardener')).toHaveLength(5));
    await produce('growing-a', 31, 60);
    await eventually(() => expect(numbers(member)).toEqual(range(1, 60)));
  });

  it('shows what coordinators store', async () => {
    await createTopic(cluster(), 'stored', { partitions: 1, replicationFactor: 3 });
    await produce('stored', 1, 5);
    await scriptLines(
      'kafka-console-consumer.sh',
      at('--topic', 'stored', '--group', 'keeper', '--from-beginning', '--max-messages', '5'),
    );
    const formatter = ['--formatter', 'org.apache.kafka.tools.consumer.OffsetsMessageFormatter'];
    const topic = ['--topic', '__consumer_offsets', '--from-beginning', '--timeout-ms', '1500'];
    const lines = await scriptLines('kafka-console-consumer.sh', at(...topic, ...formatter));
    const key = '{"key":{"version":1,"data":{"group":"keeper","topic":"stored","partition":0}},"value":';
    expect(lines.filter((line) => line.startsWith(`${key}{"version":3,"data":{"offset":5,`))).toHaveLength(1);
  });

  it('survives the death of its coordinator', async () => {
    await createTopic(cluster(), 'tough', { partitions: 3, replicationFactor: 3 });
    const member = join('tough', 'survivor', ...PROTOCOLS.classic);
    await produce('tough', 1, 50);
    await eventually(() => expect(numbers(member)).toEqual(range(1, 50)));
    const [[coordinator = ''] = []] = await describeGroup('survivor', '--state');
    const broker = cluster().brokers.find(({ address }) => address === coordinator);
    if (broker === undefined) throw new Error(`no broker at ${coordinator}`);
    await broker.kill();
    await produce('tough', 51, 100);
    await eventually(() => expect(numbers(member)).toEqual(range(1, 100)), { timeoutMs: 30_000 });
    await broker.start();
    await member.stop();
    await eventually(async () => {
      const rows = await describeGroup('survivor');
      expect(rows.map(([, , , , lag]) => lag)).toEqual(['0', '0', '0']);
    });
  });
});

describe('kafka-consumer-groups', () => {
  it('moves a group back, lets it read again, and deletes it', async () => {
    await createTopic(cluster(), 'again', { partitions: 1, replicationFactor: 3 });
    await produce('again', 1, 20);
    const reader = at('--topic', 'again', '--group', 'mover', '--from-beginning');
    await scriptLines('kafka-console-consumer.sh', [...reader, '--max-messages', '20']);
    const reset = at('--reset-offsets', '--group', 'mover', '--topic', 'again', '--to-offset', '15');
    const planned = await script('kafka-consumer-groups.sh', reset);
    expect(planned.stderr).toContain('WARN: No action will be performed as the --execute option is missing.');
    expect((await describeGroup('mover'))[0]?.[2]).toBe('20');
    await scriptLines('kafka-consumer-groups.sh', [...reset, '--execute']);
    expect((await describeGroup('mover'))[0]?.[2]).toBe('15');
    const lines = await scriptLines('kafka-console-consumer.sh', [...reader, '--max-messages', '5']);
    expect(lines.map(Number)).toEqual(range(16, 20));
    const offsets = at('--delete-offsets', '--group', 'mover', '--topic', 'again');
    expect((await scriptLines('kafka-consumer-groups.sh', offsets))[0]).toBe(
      'Request succeed for deleting offsets with topic again group mover',
    );
    const deletion = await scriptLines('kafka-consumer-groups.sh', at('--delete', '--group', 'mover'));
    expect(deletion).toEqual(["Deletion of requested consumer groups ('mover') was successful."]);
    expect((await script('kafka-consumer-groups.sh', at('--describe', '--group', 'mover'))).stdout).toBe(
      "\nError: Consumer group 'mover' does not exist.\n",
    );
  });

  it('does not touch a group that reads', async () => {
    await createTopic(cluster(), 'busy', { partitions: 1, replicationFactor: 3 });
    const member = join('busy', 'worker', ...PROTOCOLS.classic);
    await produce('busy', 1, 3);
    await eventually(() => expect(numbers(member)).toEqual([1, 2, 3]));
    const reset = at('--reset-offsets', '--group', 'worker', '--topic', 'busy', '--to-earliest', '--execute');
    expect((await script('kafka-consumer-groups.sh', reset)).stdout).toContain(
      "\nError: Assignments can only be reset if the group 'worker' is inactive, but the current state is Stable.\n",
    );
    expect((await script('kafka-consumer-groups.sh', at('--delete', '--group', 'worker'))).stdout).toContain(
      "* Group 'worker' could not be deleted due to: org.apache.kafka.common.errors.GroupNotEmptyException: ",
    );
    const listed = await scriptLines('kafka-consumer-groups.sh', at('--list', '--state', 'stable'));
    expect(listed.map((line) => line.split(/\s+/).slice(0, 2).join(' '))).toContain('worker Stable');
  });
});
