/**
 * Consumer groups seen from outside: Apache Kafka 3.9's commands and ours, side by side on the same cluster of three,
 * of Barnabas and of Apache Kafka itself. What one of them prints the other has to print, cell by cell.
 */
import { describe, expect, it } from 'vitest';
import { createTopic } from '../support/admin.ts';
import type { Row } from '../support/consumer-groups-tool.ts';
import { eventually } from '../support/eventually.ts';
import { confluent, javaConsumer } from '../support/group-clients.ts';
import { GROUP_CLUSTER } from '../support/group-story.ts';
import { committedOffsets, coordinatorOf } from '../support/group-watch.ts';
import { createHourlyTopic } from '../support/hourly-topic.ts';
import type { Implementation } from '../support/implementation.ts';
import { kafkaToolLines } from '../support/java-tools.ts';
import { scriptLines } from '../support/scripts.ts';
import { commitOffsets } from '../support/simple-commit.ts';
import { useCluster } from '../support/use-cluster.ts';
import { bothSay, join, whenAllIsRead } from '../support/watched-group.ts';

describe.each(['barnabas', 'apache-kafka'] as Implementation[])('the groups of %s', (implementation) => {
  const cluster = useCluster({ ...GROUP_CLUSTER, implementation });

  it("go on where they stopped: Apache's ConsoleConsumer and ours, one after the other", async () => {
    await createTopic(cluster(), 'console');
    const words = 'one two three four five six seven eight nine ten'.split(' ');
    const write = (more: readonly string[]): Promise<string[]> =>
      kafkaToolLines('consoleProducer', ['--bootstrap-server', cluster().bootstrap, '--topic', 'console'], {
        input: `${more.join('\n')}\n`,
      });
    const args = (group: string, count: number): string[] => [
      ...['--bootstrap-server', cluster().bootstrap, '--topic', 'console', '--group', group, '--from-beginning'],
      ...['--max-messages', String(count), '--timeout-ms', '60000'],
    ];
    const theirs = (group: string, count: number) => kafkaToolLines('consoleConsumer', args(group, count));
    const ours = (group: string, count: number) => scriptLines('kafka-console-consumer.sh', args(group, count));
    await write(words.slice(0, 8));
    expect(await theirs('console-group', 3)).toEqual(['one', 'two', 'three']);
    expect(await theirs('console-group', 2)).toEqual(['four', 'five']);
    expect(await ours('console-group', 2)).toEqual(['six', 'seven']);
    expect(await committedOffsets(cluster(), 'console-group')).toEqual(new Map([['console-0', 7]]));
    await write(words.slice(8));
    expect(await theirs('console-group', 3)).toEqual(['eight', 'nine', 'ten']);
    expect(await theirs('another-console-group', 2)).toEqual(['one', 'two']);
    expect(await ours('a-third-console-group', 10)).toEqual(words);
  });

  it('are described with their offsets, members and coordinator', async () => {
    await createHourlyTopic(cluster(), 'described');
    await createTopic(cluster(), 'forgotten');
    await commitOffsets(cluster(), 'described-group', [{ topic: 'forgotten', partition: 0, offset: 0 }]);
    const members = await Promise.all([
      join(cluster(), javaConsumer, 'described-group', 'described'),
      join(cluster(), confluent, 'described-group', 'described', 'a-static-member'),
    ]);
    const group = ['--describe', '--group', 'described-group'];
    const rows = await eventually(async () => {
      const { rows } = await bothSay(cluster(), group);
      const read = rows.filter((row) => row['LAG'] === '0' && row['HOST'] === '/127.0.0.1');
      expect(new Set(read.map((row) => row['CONSUMER-ID'])).size).toBe(2);
      return rows;
    });
    const columns = ['TOPIC', 'PARTITION', 'CURRENT-OFFSET', 'LOG-END-OFFSET', 'LAG'];
    expect(rows.map((row) => columns.map((name) => row[name]))).toEqual([
      ['described', '0', '5', '5', '0'],
      ['described', '1', '5', '5', '0'],
      ['forgotten', '0', '0', '0', '0'],
    ]);
    expect(rows[2]).toMatchObject({ 'CONSUMER-ID': '-', HOST: '-', 'CLIENT-ID': '-' });
    await bothSay(cluster(), [...group, '--members']);
    const verbose = await bothSay(cluster(), [...group, '--members', '--verbose']);
    expect(verbose.rows.map((row) => row['GROUP-INSTANCE-ID']).toSorted()).toEqual(['', 'a-static-member']);
    expect(verbose.rows.map((row) => row['ASSIGNMENT']).toSorted()).toEqual(['(0)', '(1)']);
    const coordinator = cluster().broker(await coordinatorOf(cluster(), 'described-group'));
    const state = {
      GROUP: 'described-group',
      'COORDINATOR (ID)': `${coordinator.address}  (${coordinator.id})`,
      'ASSIGNMENT-STRATEGY': 'range',
      STATE: 'Stable',
      '#MEMBERS': '2',
    };
    expect((await bothSay(cluster(), [...group, '--state'])).rows).toEqual([state]);
    expect((await bothSay(cluster(), ['--list', '--state', 'stable'])).rows).toEqual([
      { GROUP: 'described-group', STATE: 'Stable' },
    ]);
    await Promise.all(members.map((member) => member.stop()));
  });

  it('are listed with their type and state', async () => {
    await createTopic(cluster(), 'listed');
    const groups = Array.from({ length: 10 }, (_, index) => `listed-${index}`);
    for (const group of groups) await commitOffsets(cluster(), group, [{ topic: 'listed', partition: 0, offset: 0 }]);
    // Groups of other tests may be about to lose their last members, so both are asked again when they disagree.
    const said = (...args: string[]) => eventually(() => bothSay(cluster(), args));
    expect((await said('--list')).lines).toEqual(expect.arrayContaining(groups));
    expect((await said('--list', '--state', 'Empty', '--type', 'classic')).rows).toEqual(
      expect.arrayContaining(groups.map((GROUP) => ({ GROUP, TYPE: 'Classic', STATE: 'Empty' }))),
    );
    expect((await said('--list', '--state', 'Assigning,Dead')).rows).toEqual([]);
    const { rows } = await said('--describe', '--all-groups', '--offsets');
    expect(rows.filter(({ GROUP }) => GROUP?.startsWith('listed-'))).toHaveLength(groups.length);
    for (const what of ['--offsets', '--members', '--state'])
      expect((await said('--describe', '--group', 'listed-1', what)).warnings).toHaveLength(1);
  });

  it('are refused in the same words', async () => {
    await createTopic(cluster(), 'refused');
    expect((await bothSay(cluster(), ['--describe', '--group', 'nobody'])).lines).toEqual([
      "Error: Consumer group 'nobody' does not exist.",
    ]);
    for (const what of ['--members', '--state']) await bothSay(cluster(), ['--describe', '--group', 'nobody', what]);
    const refused = await bothSay(cluster(), ['--delete', '--group', 'nobody']);
    expect(refused.lines.join()).toMatch(/GroupIdNotFoundException/);
    await bothSay(cluster(), ['--delete-offsets', '--group', 'nobody', '--topic', 'refused']);
    const wrongUses = [
      ['--list', '--describe', '--group', 'g'],
      ['--list', '--state', 'sleeping'],
      ['--describe', '--group', 'g', '--members', '--state'],
      ['--reset-offsets', '--group', 'g', '--dry-run', '--to-earliest'],
      ['--reset-offsets', '--group', 'g', '--dry-run', '--topic', 'refused'],
      ['--delete-offsets', '--group', 'g'],
    ];
    for (const args of wrongUses) expect((await bothSay(cluster(), args)).exitCode).toBe(1);
  });

  it('are described as before once another broker coordinates them', async () => {
    await createHourlyTopic(cluster(), 'orphaned');
    await commitOffsets(cluster(), 'orphaned-idle', [{ topic: 'orphaned', partition: 1, offset: 4, metadata: 'mine' }]);
    await Promise.all([javaConsumer, confluent].map((client) => join(cluster(), client, 'orphaned-group', 'orphaned')));
    const before = await whenAllIsRead(cluster(), 'orphaned-group', 2);
    const places = (rows: readonly Row[]) => rows.map((row) => [row['PARTITION'], row['CURRENT-OFFSET'], row['LAG']]);
    for (const group of ['orphaned-group', 'orphaned-idle']) {
      const dead = cluster().broker(await eventually(() => coordinatorOf(cluster(), group)));
      await dead.kill();
      const after = await whenAllIsRead(cluster(), 'orphaned-group', 2);
      expect(places(after)).toEqual(places(before));
      const { rows: idle } = await eventually(() => bothSay(cluster(), ['--describe', '--group', 'orphaned-idle']));
      expect(idle).toMatchObject([{ PARTITION: '1', 'CURRENT-OFFSET': '4', 'LOG-END-OFFSET': '5', LAG: '1' }]);
      const { rows: state } = await eventually(() => bothSay(cluster(), ['--describe', '--group', group, '--state']));
      expect(state).toHaveLength(1);
      expect(state[0]?.['COORDINATOR (ID)']).not.toContain(dead.address);
      await dead.start();
    }
  });
});
