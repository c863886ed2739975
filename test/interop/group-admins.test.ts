/** Consumer groups through librdkafka: kcat as reader and for lookups, and the AdminClient of its newest release. */
import * as path from 'node:path';
import { expect, it } from 'vitest';
import { runOk } from '../support/child-process.ts';
import { confluentPython } from '../support/confluent-python.ts';
import { eventually } from '../support/eventually.ts';
import { confluent } from '../support/group-clients.ts';
import { GROUP_CLUSTER } from '../support/group-story.ts';
import { committedOffsets, coordinatorOf } from '../support/group-watch.ts';
import { createHourlyTopic, HOURLY_RECORDS as END, hoursAgo } from '../support/hourly-topic.ts';
import { kcat } from '../support/kcat.ts';
import { commitOffsets } from '../support/simple-commit.ts';
import { useCluster } from '../support/use-cluster.ts';
import { join, whenAllIsRead } from '../support/watched-group.ts';

const ADMIN = path.resolve(import.meta.dirname, '../support/members/confluent_admin.py');

const cluster = useCluster(GROUP_CLUSTER);

/** What the AdminClient answers to one command of the script. */
async function admin(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
  const command = JSON.stringify({ name, bootstrap: cluster().bootstrap, ...args });
  const { stdout } = await runOk(await confluentPython(), [ADMIN, command]);
  return JSON.parse(stdout);
}

it('kcat reads to the end as a group, goes on from there and looks offsets up by time', async () => {
  await createHourlyTopic(cluster(), 'kcat-read');
  const read = async (): Promise<number> => {
    const settings = ['-X', 'auto.offset.reset=earliest', '-X', 'topic.auto.offset.reset=earliest'];
    return (await kcat(cluster().bootstrap, ['-G', 'kcat-group', 'kcat-read', '-e', '-q', ...settings])).length;
  };
  expect(await read()).toBe(2 * END);
  const committed = new Map([0, 1].map((partition) => [`kcat-read-${partition}`, END]));
  expect(await committedOffsets(cluster(), 'kcat-group')).toEqual(committed);
  await kcat(cluster().bootstrap, ['-P', '-t', 'kcat-read', '-p', '1'], { input: 'one more\n' });
  expect(await read()).toBe(1);
  expect(await committedOffsets(cluster(), 'kcat-group')).toEqual(committed.set('kcat-read-1', END + 1));
  const asked = [-2, -1, hoursAgo(3), hoursAgo(3) + 1, hoursAgo(9)];
  const found = await Promise.all(asked.map((time) => kcat(cluster().bootstrap, ['-Q', '-t', `kcat-read:0:${time}`])));
  expect(found.flat()).toEqual([0, END, 2, 3, 0].map((offset) => `kcat-read [0] offset ${offset}`));
});

it('the AdminClient lists and describes groups', async () => {
  await createHourlyTopic(cluster(), 'admin-described');
  const offset = { topic: 'admin-described', partition: 0, offset: 1 };
  await commitOffsets(cluster(), 'admin-idle', [offset]);
  const member = await join(cluster(), confluent, 'admin-busy', 'admin-described', 'an-instance');
  await whenAllIsRead(cluster(), 'admin-busy', 1);
  const all = [
    ['admin-busy', 'STABLE', false],
    ['admin-idle', 'EMPTY', true],
  ];
  expect(await admin('list')).toEqual(expect.arrayContaining(all));
  expect(await admin('list', { states: ['STABLE'] })).toEqual(all.slice(0, 1));
  const groups = ['admin-busy', 'admin-idle', 'admin-nobody'];
  const [busy, idle, nobody] = await Promise.all(groups.map((group) => coordinatorOf(cluster(), group)));
  const partitions = [0, 1].map((partition) => ['admin-described', partition]);
  expect(await admin('describe', { groups })).toEqual({
    'admin-busy': {
      state: 'STABLE',
      assignor: 'range',
      isSimple: false,
      coordinator: busy,
      members: [{ clientId: 'rdkafka', host: '/127.0.0.1', instanceId: 'an-instance', partitions }],
    },
    'admin-idle': { state: 'EMPTY', assignor: '', isSimple: true, coordinator: idle, members: [] },
    'admin-nobody': { state: 'DEAD', assignor: '', isSimple: true, coordinator: nobody, members: [] },
  });
  await member.stop();
});

it('the AdminClient shows and alters offsets, and deletes groups', async () => {
  await createHourlyTopic(cluster(), 'admin-altered');
  const group = 'admin-altered-group';
  const places = (...offsets: number[]) =>
    offsets.map((offset, partition) => ['admin-altered', partition, offset, null]);
  const asked = [0, 1].map((partition) => ['admin-altered', partition]);
  expect(await admin('alter', { group, partitions: places(3, 4).map((place) => place.slice(0, 3)) })).toEqual(
    places(3, 4).map(([topic, partition]) => [topic, partition, expect.any(Number), null]),
  );
  expect(await admin('offsets', { group })).toEqual(places(3, 4));
  await admin('alter', { group, partitions: [['admin-altered', 1, 0]] });
  expect(await admin('offsets', { group, partitions: asked })).toEqual(places(3, 0));
  const nowhere = ['admin-altered', 7, 1];
  expect(await admin('alter', { group, partitions: [nowhere] })).toEqual([
    ['admin-altered', 7, expect.any(Number), 'UNKNOWN_TOPIC_OR_PART'],
  ]);
  expect(await admin('offsets', { group: 'admin-no-group', partitions: asked })).toEqual(places(-1001, -1001));

  const member = await join(cluster(), confluent, group, 'admin-altered');
  await whenAllIsRead(cluster(), group, 1);
  expect(await admin('alter', { group, partitions: [['admin-altered', 1, 0]] })).toEqual([
    ['admin-altered', 1, expect.any(Number), 'UNKNOWN_MEMBER_ID'],
  ]);
  expect(await admin('delete', { groups: [group, 'admin-no-group'] })).toEqual({
    [group]: { error: 'NON_EMPTY_GROUP' },
    'admin-no-group': { error: 'GROUP_ID_NOT_FOUND' },
  });
  expect(await admin('offsets', { group })).toEqual(places(END, END));
  await member.stop();
  await eventually(async () => expect(await admin('delete', { groups: [group] })).toEqual({ [group]: 'deleted' }));
  expect(await admin('offsets', { group })).toEqual([]);
});
