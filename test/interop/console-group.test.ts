/** Our console consumer and Apache Kafka's as members of one group: whoever leads, both read what they are dealt. */
import { expect, it, onTestFinished } from 'vitest';
import { createTopic } from '../support/admin.ts';
import { ConsoleMember } from '../support/console-member.ts';
import { eventually } from '../support/eventually.ts';
import { startKafkaTool } from '../support/java-tools.ts';
import { scriptLines } from '../support/scripts.ts';
import { useCluster } from '../support/use-cluster.ts';

const cluster = useCluster({ overrides: { 'group.coordinator.rebalance.protocols': 'classic,consumer' } });

const at = (...args: string[]): string[] => ['--bootstrap-server', cluster().bootstrap, ...args];
const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

async function produce(topic: string, first: number, last: number): Promise<void> {
  const input = range(first, last).map((number) => `k${number}:${number}\n`);
  const properties = ['--property', 'parse.key=true', '--property', 'key.separator=:'];
  await scriptLines('kafka-console-producer.sh', at('--topic', topic, ...properties), { input: input.join('') });
}

async function whenShared(group: string): Promise<void> {
  await eventually(async () => {
    const lines = await scriptLines('kafka-consumer-groups.sh', at('--describe', '--group', group, '--members'));
    const members = lines.filter((line) => line.startsWith(`${group} `)).map((line) => line.trim().split(/\s+/).at(-1));
    expect(members).toEqual(['2', '2']);
  });
}

const PROTOCOLS = {
  classic: ['--consumer-property', 'heartbeat.interval.ms=500'],
  consumer: ['--consumer-property', 'group.protocol=consumer'],
};

it.each([
  ['classic', 'ours'],
  ['classic', 'theirs'],
  ['consumer', 'ours'],
] as const)('a %s group that %s has made', async (protocol, first) => {
  const topic = `mixed-${protocol}-${first}`;
  const group = `of-${topic}`;
  await createTopic(cluster(), topic, { partitions: 4, replicationFactor: 3 });
  const args = ['--topic', topic, ...PROTOCOLS[protocol]];
  const startOurs = (): ConsoleMember => new ConsoleMember(cluster().bootstrap, group, args);
  const startTheirs = () => startKafkaTool('consoleConsumer', at('--group', group, '--from-beginning', ...args));
  let ours: ConsoleMember | null = first === 'ours' ? startOurs() : null;
  const theirs = await startTheirs();
  await produce(topic, 1, 100);
  const numbers = (): number[] => [...(ours?.lines ?? []), ...theirs.lines].map(Number).sort((a, b) => a - b);
  await eventually(() => expect(numbers()).toHaveLength(100));
  ours ??= startOurs();
  const mine = ours;
  onTestFinished(async () => {
    await mine.stop('SIGKILL');
    await theirs.stop();
  });
  await whenShared(group);
  await produce(topic, 101, 300);
  await eventually(() => expect(numbers()).toHaveLength(300));
  await mine.stop();
  await produce(topic, 301, 400);
  await eventually(() => expect(numbers()).toHaveLength(400));
  expect(numbers()).toEqual(range(1, 400));
  expect(mine.lines.length).toBeGreaterThan(0);
  expect(theirs.lines.length).toBeGreaterThan(100);
});
