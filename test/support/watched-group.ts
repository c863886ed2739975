/** A group with members of several makes, looked at with both kafka-consumer-groups at once. */
import { expect, onTestFailed, onTestFinished } from 'vitest';
import type { TestCluster } from './cluster.ts';
import { consumerGroups, groupRows, MAKERS, type Row, type Said } from './consumer-groups-tool.ts';
import { eventually } from './eventually.ts';
import { type GroupClient, GroupMember } from './group-member.ts';
import { SESSION_TIMEOUT_MS } from './group-story.ts';

/** Asks Apache Kafka's command and ours at once; they have to say the same, which is returned. */
export async function bothSay(cluster: TestCluster, args: readonly string[]): Promise<Said> {
  const [theirs, ours] = await Promise.all(MAKERS.map((maker) => consumerGroups(maker, cluster.bootstrap, args)));
  expect(ours).toEqual(theirs);
  return ours as Said;
}

/** A member that is gone when the test is over. */
export async function join(
  cluster: TestCluster,
  client: GroupClient,
  group: string,
  topic: string,
  instanceId?: string,
): Promise<GroupMember> {
  const settings = {
    bootstrap: cluster.bootstrap,
    group,
    topics: [topic],
    protocol: 'classic',
    isCooperative: false,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    ...(instanceId === undefined ? {} : { instanceId }),
  } as const;
  const member = await GroupMember.start(client.name, client, settings, () => undefined);
  onTestFinished(() => member.kill());
  onTestFailed(() => console.error(member.report()));
  return member;
}

/** Waits until the group is stable, has so many members and has committed all there is, as both commands see it. */
export async function whenAllIsRead(cluster: TestCluster, group: string, memberCount: number): Promise<readonly Row[]> {
  const described = ['--describe', '--group', group];
  return eventually(
    async () => {
      const [state] = await groupRows('barnabas', cluster.bootstrap, [...described, '--state']);
      expect(state).toMatchObject({ STATE: 'Stable', '#MEMBERS': String(memberCount) });
      for (const row of await groupRows('barnabas', cluster.bootstrap, described)) expectRead(row);
      const { rows } = await bothSay(cluster, described);
      for (const row of rows) expectRead(row);
      return rows;
    },
    { what: `${group} has read everything` },
  );
}

function expectRead(row: Row): void {
  expect(row).toMatchObject({ LAG: '0', HOST: '/127.0.0.1' });
}
