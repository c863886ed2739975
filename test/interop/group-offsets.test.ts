/**
 * The offsets of groups moved and deleted from outside: Apache Kafka 3.9's command and ours, each on a group of its
 * own, prepared alike, on a cluster of Barnabas and on one of Apache Kafka. They have to say and to do the same.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { consumerGroups, MAKERS, type Maker, type Said } from '../support/consumer-groups-tool.ts';
import { confluent } from '../support/group-clients.ts';
import { GROUP_CLUSTER } from '../support/group-story.ts';
import { committedOffsets } from '../support/group-watch.ts';
import { createHourlyTopic, HOURLY_RECORDS as END, hoursAgo } from '../support/hourly-topic.ts';
import type { Implementation } from '../support/implementation.ts';
import { commitOffsets } from '../support/simple-commit.ts';
import { useCluster } from '../support/use-cluster.ts';
import { bothSay, join, whenAllIsRead } from '../support/watched-group.ts';

const GROUPS: Readonly<Record<Maker, string>> = { 'apache-kafka': 'moved-by-theirs', barnabas: 'moved-by-our-own' };
const PARTITIONS = [0, 1];

/** Forms of --reset-offsets and what becomes of two partitions of which 2 is committed. */
const FORMS: readonly (readonly [args: readonly string[], newOffsets: readonly number[]])[] = [
  [
    ['--topic', 'moved', '--to-earliest'],
    [0, 0],
  ],
  [
    ['--topic', 'moved', '--to-latest'],
    [END, END],
  ],
  [
    ['--topic', 'moved', '--to-current'],
    [2, 2],
  ],
  [
    ['--topic', 'moved', '--to-offset', '3'],
    [3, 3],
  ],
  [
    ['--topic', 'moved:0,1', '--to-offset', '99'],
    [END, END],
  ],
  [
    ['--topic', 'moved', '--shift-by', '-1'],
    [1, 1],
  ],
  [
    ['--all-topics', '--shift-by', '-10'],
    [0, 0],
  ],
  [
    ['--topic', 'moved', '--to-datetime', new Date(hoursAgo(2) - 1).toISOString().slice(0, -1)],
    [3, 3],
  ],
  [
    ['--topic', 'moved', '--by-duration', 'PT2H'],
    [3, 3],
  ],
  [
    ['--all-topics', '--by-duration', 'PT1S'],
    [END, END],
  ],
];

const newOffsets = ({ rows }: Said): number[] => rows.map((row) => Number(row['NEW-OFFSET']));

function writePlan(lines: readonly string[]): string {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'barnabas-plan-')), 'plan.csv');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

describe.each(['barnabas', 'apache-kafka'] as Implementation[])('the offsets of groups of %s', (implementation) => {
  const cluster = useCluster({ ...GROUP_CLUSTER, implementation });

  async function prepare(offset: number): Promise<void> {
    const offsets = PARTITIONS.map((partition) => ({ topic: 'moved', partition, offset }));
    for (const maker of MAKERS) await commitOffsets(cluster(), GROUPS[maker], offsets);
  }

  async function change(args: readonly string[]): Promise<Said> {
    const said = await Promise.all(
      MAKERS.map((maker) => consumerGroups(maker, cluster().bootstrap, [...args, '--group', GROUPS[maker]])),
    );
    const [theirs, ours] = said.map((each, at) =>
      JSON.parse(JSON.stringify(each).replaceAll(GROUPS[MAKERS[at] as Maker], 'G')),
    ) as [Said, Said];
    expect(ours).toEqual(theirs);
    return ours;
  }

  /** Of both groups, which have to have the same; -1 for none. */
  async function committed(): Promise<number[]> {
    const [theirs, ours] = await Promise.all(MAKERS.map((maker) => committedOffsets(cluster(), GROUPS[maker])));
    expect(ours).toEqual(theirs);
    return PARTITIONS.map((partition) => ours?.get(`moved-${partition}`) ?? -1);
  }

  it('are reset in every form', async () => {
    await createHourlyTopic(cluster(), 'moved');
    for (const [form, expected] of FORMS) {
      await prepare(2);
      expect(newOffsets(await change(['--reset-offsets', ...form, '--execute'])), form.join(' ')).toEqual(expected);
      expect(await committed(), form.join(' ')).toEqual(expected);
    }
  });

  it('are only shown when nothing is to be executed', async () => {
    await prepare(2);
    const shown = await change(['--reset-offsets', '--topic', 'moved:1', '--to-latest', '--dry-run']);
    expect(newOffsets(shown)).toEqual([END]);
    const { warnings } = await change(['--reset-offsets', '--topic', 'moved', '--to-earliest']);
    expect(warnings.join()).toMatch(/^WARN: No action will be performed/);
    expect(await committed()).toEqual([2, 2]);
  });

  it('are exported as a plan that the other command can follow', async () => {
    await prepare(1);
    const groups = MAKERS.flatMap((maker) => ['--group', GROUPS[maker]]);
    const forTwo = ['--reset-offsets', '--dry-run', ...groups, '--all-topics', '--to-latest', '--export'];
    const { lines } = await bothSay(cluster(), forTwo);
    expect(lines).toHaveLength(MAKERS.length * PARTITIONS.length);
    await change(['--reset-offsets', '--from-file', writePlan(lines), '--execute']);
    expect(await committed()).toEqual([END, END]);
    const forOne = ['--reset-offsets', '--topic', 'moved:0', '--shift-by', '-3', '--dry-run', '--export'];
    expect((await change(forOne)).lines).toEqual([`moved,0,${END - 3}`]);
    const beyond = writePlan(['"moved",0,4', 'moved,1,99']);
    await change(['--reset-offsets', '--from-file', beyond, '--execute']);
    expect(await committed()).toEqual([4, END]);
    await bothSay(cluster(), ['--reset-offsets', '--all-groups', '--topic', 'moved', '--to-earliest', '--dry-run']);
  });

  it('are deleted, by partition and by topic', async () => {
    await prepare(2);
    const deletion = await change(['--delete-offsets', '--topic', 'moved:0', '--topic', 'nowhere']);
    expect(deletion.rows.map((row) => row['STATUS']?.replace(/:.*/, ''))).toEqual(['Successful', 'Error']);
    expect(await committed()).toEqual([-1, 2]);
    await change(['--delete-offsets', '--topic', 'moved']);
    expect(await committed()).toEqual([-1, -1]);
  });

  it('are deleted with their group', async () => {
    await prepare(2);
    await change(['--delete']);
    const { lines } = await bothSay(cluster(), ['--list']);
    expect(lines.filter((line) => Object.values(GROUPS).includes(line))).toEqual([]);
    await prepare(2);
    const { lines: partly } = await change(['--delete', '--group', 'nobody']);
    expect(partly.join('\n')).toMatch(/'nobody' could not be deleted/);
    expect(await committed()).toEqual([-1, -1]);
  });

  it('are left alone while somebody reads', async () => {
    const member = await join(cluster(), confluent, 'busy-group', 'moved');
    await whenAllIsRead(cluster(), 'busy-group', 1);
    const group = ['--group', 'busy-group'];
    const refusals = [
      ['--reset-offsets', ...group, '--topic', 'moved', '--to-earliest', '--execute'],
      ['--delete-offsets', ...group, '--topic', 'moved'],
      ['--delete', ...group],
    ];
    const said: string[] = [];
    for (const args of refusals) said.push((await bothSay(cluster(), args)).lines.join());
    expect(said[0]).toMatch(/inactive, but the current state is Stable/);
    expect(said[1]).toMatch(/partition level error/);
    expect(said[2]).toMatch(/GroupNotEmptyException/);
    const offsets = await committedOffsets(cluster(), 'busy-group');
    expect(offsets).toEqual(new Map(PARTITIONS.map((partition) => [`moved-${partition}`, END])));
    await member.stop();
  });
});
