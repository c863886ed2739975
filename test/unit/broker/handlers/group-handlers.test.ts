/** The APIs of groups through their bytes, over the real coordinator and partitions in memory. */
import { describe, expect, it } from 'vitest';
import { GROUP_METADATA_TOPIC_NAME } from '../../../../src/model/topic-names.ts';
import { errorName } from '../../../../src/protocol/errors.ts';
import { OffsetCommit } from '../../../../src/protocol/messages/08-offset-commit.ts';
import { OffsetFetch } from '../../../../src/protocol/messages/09-offset-fetch.ts';
import { FindCoordinator } from '../../../../src/protocol/messages/10-find-coordinator.ts';
import { JoinGroup } from '../../../../src/protocol/messages/11-join-group.ts';
import { Heartbeat } from '../../../../src/protocol/messages/12-heartbeat.ts';
import { LeaveGroup } from '../../../../src/protocol/messages/13-leave-group.ts';
import { SyncGroup } from '../../../../src/protocol/messages/14-sync-group.ts';
import { DescribeGroups } from '../../../../src/protocol/messages/15-describe-groups.ts';
import { ListGroups } from '../../../../src/protocol/messages/16-list-groups.ts';
import { DeleteGroups } from '../../../../src/protocol/messages/42-delete-groups.ts';
import { OffsetDelete } from '../../../../src/protocol/messages/47-offset-delete.ts';
import type { ResponseOut } from '../../../../src/protocol/schema.ts';
import { GroupDesk, idOf } from '../../../support/group-desk.ts';

const NO_GENERATION = -1;
const versions = (lowest: number, highest: number): number[] =>
  Array.from({ length: highest - lowest + 1 }, (_, index) => lowest + index);

function commit(at: GroupDesk, groupId: string, offsets: Record<string, number>, version = 8, metadata = '') {
  const topics = Object.entries(offsets).map(([name, committedOffset]) => ({
    name: name.split('/')[0] ?? '',
    partitions: [{ partitionIndex: Number(name.split('/')[1] ?? 0), committedOffset, committedMetadata: metadata }],
  }));
  return at.ask(OffsetCommit, version, { groupId, topics });
}

async function fetched(at: GroupDesk, groupId: string, topic = 'orders', partition = 0): Promise<number> {
  const group = { groupId, topics: [{ name: topic, partitionIndexes: [partition] }] };
  const { groups } = await at.ask(OffsetFetch, 8, { groups: [group] });
  return groups[0]?.topics[0]?.partitions[0]?.committedOffset ?? Number.NaN;
}

const codes = (topics: readonly { name: string; partitions: readonly { errorCode: number }[] }[]) =>
  topics.map(({ name, partitions }) => [name, ...partitions.map(({ errorCode }) => errorName(errorCode))]);

/** A member that has joined and holds an assignment. */
async function aMember(at: GroupDesk, groupId: string): Promise<{ memberId: string; generationId: number }> {
  const request = {
    groupId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('m') }],
  };
  const joining = at.ask(JoinGroup, 3, request);
  at.clock.advance(0);
  const { memberId, generationId } = await joining;
  const assignments = [{ memberId, assignment: Buffer.from('all of it') }];
  await at.ask(SyncGroup, 3, { groupId, generationId, memberId, assignments });
  return { memberId, generationId };
}

describe('FindCoordinator', () => {
  it.each(versions(0, 3))('v%i tells the leader of the group’s partition', async (version) => {
    const at = await GroupDesk.open();
    const answer = await at.ask(FindCoordinator, version, { key: 'g' });
    expect(answer).toMatchObject({ errorCode: 0, nodeId: 1, host: 'one', port: 9092 });
  });

  it.each(versions(4, 6))('v%i tells it for each of many groups', async (version) => {
    const at = await GroupDesk.open();
    const { coordinators } = await at.ask(FindCoordinator, version, { coordinatorKeys: ['g', '', 'h'] });
    expect(coordinators.map(({ key }) => key)).toEqual(['g', '', 'h']);
    for (const coordinator of coordinators) expect(coordinator).toMatchObject({ errorCode: 0, nodeId: 1, port: 9092 });
  });

  it('makes the topic when there is none and says that the coordinator is not available yet', async () => {
    const at = new GroupDesk();
    const answer = await at.ask(FindCoordinator, 2, { key: 'g' });
    expect(answer).toMatchObject({ nodeId: -1, host: '', port: -1 });
    expect(errorName(answer.errorCode)).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(at.wished).toEqual([GROUP_METADATA_TOPIC_NAME]);
  });

  it('is not available while the partition has no leader that can be reached', async () => {
    const at = new GroupDesk();
    at.makeTopic(GROUP_METADATA_TOPIC_NAME, 2, -1);
    const { coordinators } = await at.ask(FindCoordinator, 4, { coordinatorKeys: ['g'] });
    expect(coordinators.map(({ errorCode }) => errorName(errorCode))).toEqual(['COORDINATOR_NOT_AVAILABLE']);
    expect(at.wished).toEqual([]);
  });

  it('is not available as long as some partitions are unknown: the group could live on another one', async () => {
    const at = new GroupDesk();
    const find = async (): Promise<string> => errorName((await at.ask(FindCoordinator, 2, { key: 'g' })).errorCode);
    at.makePartitions(GROUP_METADATA_TOPIC_NAME, [0, 1, 3]);
    expect(await find()).toBe('COORDINATOR_NOT_AVAILABLE');
    at.makeTopic('orders', 1);
    expect(codes((await commit(at, 'g', { 'orders/0': 1 }, 9)).topics)).toEqual([['orders', 'NOT_COORDINATOR']]);
    at.makePartitions(GROUP_METADATA_TOPIC_NAME, [2]);
    expect(await find()).toBe('NONE');
  });

  it('refuses transactions at once, and what it does not know', async () => {
    const at = await GroupDesk.open();
    const errorOf = async (version: number, keyType: number): Promise<string> => {
      const answer = await at.ask(FindCoordinator, version, { key: 'k', keyType, coordinatorKeys: [] });
      return errorName(answer.errorCode);
    };
    expect(await errorOf(1, 1)).toBe('TRANSACTIONAL_ID_AUTHORIZATION_FAILED');
    expect(await errorOf(3, 2)).toBe('INVALID_REQUEST');
    expect(await errorOf(3, 9)).toBe('INVALID_REQUEST');
    expect(at.wished).toEqual([]);
  });
});

describe('OffsetCommit', () => {
  it.each(versions(1, 9))('v%i stores offsets, which a reader finds', async (version) => {
    const at = await GroupDesk.open();
    const { topics } = await commit(at, 'g', { 'orders/1': 42 }, version);
    expect(codes(topics)).toEqual([['orders', 'NONE']]);
    expect(await fetched(at, 'g', 'orders', 1)).toBe(42);
  });

  it('v0 stores them in ZooKeeper, and there only', async () => {
    const at = await GroupDesk.open();
    expect(codes((await commit(at, 'g', { orders: 42, nowhere: 1 }, 0)).topics)).toEqual([
      ['nowhere', 'UNKNOWN_TOPIC_OR_PARTITION'],
      ['orders', 'NONE'],
    ]);
    expect([...at.zooKeeper]).toEqual([['g orders 0', 42]]);
    expect(await fetched(at, 'g')).toBe(-1);
    const tooLarge = await commit(at, 'g', { orders: 43 }, 0, 'x'.repeat(11));
    expect(codes(tooLarge.topics)).toEqual([['orders', 'OFFSET_METADATA_TOO_LARGE']]);
  });

  it('stores what exists and says of the rest that it does not', async () => {
    const at = await GroupDesk.open();
    const { topics } = await at.ask(OffsetCommit, 8, {
      groupId: 'g',
      topics: [
        {
          name: 'orders',
          partitions: [0, 7].map((partitionIndex) => ({ partitionIndex, committedOffset: 5, committedMetadata: null })),
        },
        { name: 'nowhere', partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }] },
      ],
    });
    const answers = topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, errorCode }) => `${name}-${partitionIndex} ${errorName(errorCode)}`),
    );
    expect(answers.sort()).toEqual([
      'nowhere-0 UNKNOWN_TOPIC_OR_PARTITION',
      'orders-0 NONE',
      'orders-7 UNKNOWN_TOPIC_OR_PARTITION',
    ]);
    expect(topics).toHaveLength(2);
  });

  it('is answered COORDINATOR_NOT_AVAILABLE when the log does not take it, and nothing is stored', async () => {
    const at = await GroupDesk.open();
    at.partitionOf('g').refusal = 'NOT_ENOUGH_REPLICAS';
    expect(codes((await commit(at, 'g', { orders: 1 })).topics)).toEqual([['orders', 'COORDINATOR_NOT_AVAILABLE']]);
    expect(await fetched(at, 'g')).toBe(-1);
  });

  it('is answered NOT_COORDINATOR by a broker that does not lead the partition', async () => {
    const at = await GroupDesk.open();
    at.partitionOf('g').lose();
    expect(codes((await commit(at, 'g', { orders: 1 })).topics)).toEqual([['orders', 'NOT_COORDINATOR']]);
  });
});

describe('OffsetFetch', () => {
  it.each(versions(1, 7))('v%i answers for one group', async (version) => {
    const at = await GroupDesk.open();
    await commit(at, 'g', { 'orders/0': 7 }, 8, 'note');
    const topics = [{ name: 'orders', partitionIndexes: [0, 1] }];
    const answer = await at.ask(OffsetFetch, version, { groupId: 'g', topics });
    expect(answer.errorCode).toBe(0);
    expect(answer.topics[0]?.partitions).toMatchObject([
      { partitionIndex: 0, committedOffset: 7, metadata: 'note', errorCode: 0 },
      { partitionIndex: 1, committedOffset: -1, metadata: '', errorCode: 0 },
    ]);
  });

  it('v0 reads from ZooKeeper', async () => {
    const at = await GroupDesk.open();
    at.zooKeeper.set('g orders 1', 11);
    const topics = [{ name: 'orders', partitionIndexes: [0, 1, 9] }];
    const answer = await at.ask(OffsetFetch, 0, { groupId: 'g', topics });
    const found = answer.topics[0]?.partitions.map(
      ({ committedOffset, errorCode }) => `${committedOffset} ${errorName(errorCode)}`,
    );
    expect(found).toEqual(['-1 UNKNOWN_TOPIC_OR_PARTITION', '11 NONE', '-1 UNKNOWN_TOPIC_OR_PARTITION']);
  });

  it.each([8, 9])('v%i answers for many groups, each for itself', async (version) => {
    const at = await GroupDesk.open();
    const [one, other] = ['g', 'h'];
    expect(at.partitionOf(one)).not.toBe(at.partitionOf(other));
    await commit(at, one, { 'orders/0': 7, 'orders/1': 8 });
    at.partitionOf(other).lose();
    const request = { groups: [one, other].map((groupId) => ({ groupId, topics: null })), requireStable: true };
    const { groups } = await at.ask(OffsetFetch, version, request);
    expect(groups.map(({ groupId, errorCode }) => [groupId, errorName(errorCode)])).toEqual([
      [one, 'NONE'],
      [other, 'NOT_COORDINATOR'],
    ]);
    const offsets = groups[0]?.topics[0]?.partitions.map(({ committedOffset }) => committedOffset);
    expect(offsets?.toSorted()).toEqual([7, 8]);
  });

  it('says an error of the group where the version has a place for it', async () => {
    const at = await GroupDesk.open();
    at.partitionOf('g').lose();
    const topics = [{ name: 'orders', partitionIndexes: [0] }];
    const first = await at.ask(OffsetFetch, 1, { groupId: 'g', topics });
    expect(codes(first.topics)).toEqual([['orders', 'NOT_COORDINATOR']]);
    const second = await at.ask(OffsetFetch, 2, { groupId: 'g', topics });
    expect([errorName(second.errorCode), second.topics]).toEqual(['NOT_COORDINATOR', []]);
  });

  it('tells no offset before it is committed, and sends readers elsewhere when that takes too long', async () => {
    const at = await GroupDesk.open();
    at.partitionOf('g').isAlone = false;
    const committing = commit(at, 'g', { orders: 5 });
    const reading = at.ask(OffsetFetch, 8, { groups: [{ groupId: 'g', topics: null }] });
    await new Promise((resolve) => setImmediate(resolve));
    at.clock.advance(5000);
    expect(codes((await committing).topics)).toEqual([['orders', 'COORDINATOR_NOT_AVAILABLE']]);
    const { groups } = await reading;
    // Consumers of before 3.9 do not know COORDINATOR_NOT_AVAILABLE here.
    expect(groups.map(({ errorCode }) => errorName(errorCode))).toEqual(['NOT_COORDINATOR']);
    at.partitionOf('g').commit();
    expect(await fetched(at, 'g')).toBe(5);
  });
});

describe('the life of a member', () => {
  it.each(versions(0, 9))('begins with JoinGroup v%i', async (version) => {
    const at = await GroupDesk.open();
    const request = {
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from('m') }],
    };
    const join = (change: object): Promise<ResponseOut<typeof JoinGroup>> => {
      const joining = at.ask(JoinGroup, version, { ...request, ...change });
      at.clock.advance(0);
      return joining;
    };
    let answer = await join({});
    if (errorName(answer.errorCode) === 'MEMBER_ID_REQUIRED') {
      expect(version).toBeGreaterThanOrEqual(4);
      expect(answer.memberId).toMatch(/^tester-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      answer = await join({ memberId: answer.memberId });
    }
    expect(answer).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range' });
    expect(answer.leader).toBe(answer.memberId);
  });

  it('does not begin with a wrong group or time, in any version', async () => {
    const at = await GroupDesk.open();
    const request = { sessionTimeoutMs: 1, memberId: '', protocolType: 'consumer', protocols: [] };
    for (const version of versions(0, 9)) {
      const answer = await at.ask(JoinGroup, version, { ...request, groupId: 'g' });
      expect([errorName(answer.errorCode), answer.protocolName]).toEqual(['INVALID_SESSION_TIMEOUT', '']);
      expect(errorName((await at.ask(JoinGroup, version, { ...request, groupId: '' })).errorCode)).toBe(
        'INVALID_GROUP_ID',
      );
    }
  });

  it.each(versions(0, 5))('goes on with SyncGroup v%i', async (version) => {
    const at = await GroupDesk.open();
    const member = await aMember(at, 'g');
    const request = { groupId: 'g', ...member, assignments: [] };
    const named = version >= 5 ? { ...request, protocolType: 'consumer', protocolName: 'range' } : request;
    const answer = await at.ask(SyncGroup, version, named);
    expect([errorName(answer.errorCode), String(answer.assignment)]).toEqual(['NONE', 'all of it']);
    if (version < 5) return;
    const unnamed = await at.ask(SyncGroup, version, { ...request, protocolType: 'consumer' });
    expect(errorName(unnamed.errorCode)).toBe('INCONSISTENT_GROUP_PROTOCOL');
  });

  it.each(versions(0, 4))('is kept by Heartbeat v%i', async (version) => {
    const at = await GroupDesk.open();
    const member = await aMember(at, 'g');
    const heartbeat = async (change: object): Promise<string> =>
      errorName((await at.ask(Heartbeat, version, { groupId: 'g', ...member, ...change })).errorCode);
    expect(await heartbeat({})).toBe('NONE');
    expect(await heartbeat({ generationId: 9 })).toBe('ILLEGAL_GENERATION');
    expect(await heartbeat({ memberId: 'stranger' })).toBe('UNKNOWN_MEMBER_ID');
    expect(await heartbeat({ groupId: '' })).toBe('INVALID_GROUP_ID');
  });

  it('is not ended by a coordinator that has to load its group first', async () => {
    const at = await GroupDesk.open();
    const member = await aMember(at, 'g');
    const partition = at.partitionOf('g');
    partition.lose();
    expect(errorName((await at.ask(Heartbeat, 4, { groupId: 'g', ...member })).errorCode)).toBe('NOT_COORDINATOR');
    partition.win();
    partition.isCold = true;
    await at.lead(partition);
    expect(errorName((await at.ask(Heartbeat, 4, { groupId: 'g', ...member })).errorCode)).toBe('NONE');
    const answer = await commit(at, 'g', { orders: 1 });
    expect(codes(answer.topics)).toEqual([['orders', 'COORDINATOR_LOAD_IN_PROGRESS']]);
    expect(errorName((await at.ask(ListGroups, 4, {})).errorCode)).toBe('COORDINATOR_LOAD_IN_PROGRESS');
    partition.letReadsGoOn();
    await at.lead(partition);
    expect(errorName((await at.ask(Heartbeat, 4, { groupId: 'g', ...member })).errorCode)).toBe('NONE');
    expect(errorName((await at.ask(Heartbeat, 4, { groupId: 'g', ...member, generationId: 7 })).errorCode)).toBe(
      'ILLEGAL_GENERATION',
    );
  });

  it.each(versions(0, 2))('ends with LeaveGroup v%i, whose error is the member’s', async (version) => {
    const at = await GroupDesk.open();
    const { memberId } = await aMember(at, 'g');
    const leave = async (member: string) =>
      errorName((await at.ask(LeaveGroup, version, { groupId: 'g', memberId: member })).errorCode);
    expect(await leave('stranger')).toBe('UNKNOWN_MEMBER_ID');
    expect(await leave(memberId)).toBe('NONE');
    expect(await leave(memberId)).toBe('UNKNOWN_MEMBER_ID');
  });

  it.each(versions(3, 5))('ends with LeaveGroup v%i, each member for itself', async (version) => {
    const at = await GroupDesk.open();
    const { memberId } = await aMember(at, 'g');
    const request = { groupId: 'g', members: [{ memberId: 'stranger' }, { memberId }] };
    const { errorCode, members } = await at.ask(LeaveGroup, version, request);
    expect(errorCode).toBe(0);
    expect(members.map((member) => errorName(member.errorCode))).toEqual(['UNKNOWN_MEMBER_ID', 'NONE']);
  });
});

describe('the administration of groups', () => {
  it.each(versions(0, 5))('describes them with DescribeGroups v%i', async (version) => {
    const at = await GroupDesk.open();
    const { memberId } = await aMember(at, 'g');
    const wish = version >= 3 ? { includeAuthorizedOperations: true } : {};
    const { groups } = await at.ask(DescribeGroups, version, { groups: ['g', 'none'], ...wish });
    expect(groups).toMatchObject([
      { errorCode: 0, groupId: 'g', groupState: 'Stable', protocolType: 'consumer', protocolData: 'range' },
      { errorCode: 0, groupId: 'none', groupState: 'Dead', members: [] },
    ]);
    expect(groups[0]?.members).toMatchObject([{ memberId, clientId: 'tester', clientHost: '/127.0.0.1' }]);
    const read = 1 << 3;
    const deletion = 1 << 6;
    const description = 1 << 8;
    expect(groups[0]?.authorizedOperations).toBe(version >= 3 ? read | deletion | description : -2147483648);
  });

  it('lists the groups of all partitions led here', async () => {
    const at = await GroupDesk.open();
    await aMember(at, 'g');
    await commit(at, 'h', { orders: 1 });
    const { groups } = await at.ask(ListGroups, 5, {});
    const listed = groups.map(({ groupId, groupState, groupType }) => `${groupId} ${groupState} ${groupType}`);
    expect(listed.sort()).toEqual(['g Stable Classic', 'h Empty Classic']);
    at.partitionOf('h').lose();
    expect((await at.ask(ListGroups, 0, {})).groups.map(({ groupId }) => groupId)).toEqual(['g']);
  });

  it('deletes those without members, each for itself and once', async () => {
    const at = await GroupDesk.open();
    await aMember(at, 'g');
    await commit(at, 'h', { orders: 1 });
    const groupsNames = ['h', 'g', 'none', 'h'];
    const { results } = await at.ask(DeleteGroups, 2, { groupsNames });
    expect(results.map(({ groupId, errorCode }) => [groupId, errorName(errorCode)])).toEqual([
      ['h', 'NONE'],
      ['g', 'NON_EMPTY_GROUP'],
      ['none', 'GROUP_ID_NOT_FOUND'],
    ]);
    expect(await fetched(at, 'h')).toBe(-1);
  });

  it('forgets single offsets', async () => {
    const at = await GroupDesk.open();
    await commit(at, 'g', { 'orders/0': 1, 'orders/1': 2 });
    const topics = [
      { name: 'orders', partitions: [{ partitionIndex: 1 }, { partitionIndex: 5 }] },
      { name: 'nowhere', partitions: [{ partitionIndex: 0 }] },
    ];
    const answer = await at.ask(OffsetDelete, 0, { groupId: 'g', topics });
    expect(errorName(answer.errorCode)).toBe('NONE');
    expect(Object.fromEntries(codes(answer.topics).map(([name, ...errors]) => [name, errors.sort()]))).toEqual({
      orders: ['NONE', 'UNKNOWN_TOPIC_OR_PARTITION'],
      nowhere: ['UNKNOWN_TOPIC_OR_PARTITION'],
    });
    expect([await fetched(at, 'g', 'orders', 0), await fetched(at, 'g', 'orders', 1)]).toEqual([1, -1]);
    const ofNone = await at.ask(OffsetDelete, 0, { groupId: 'none', topics });
    expect([errorName(ofNone.errorCode), ofNone.topics]).toEqual(['GROUP_ID_NOT_FOUND', []]);
  });
});

describe('the coordinator', () => {
  it('does not guess where a group lives while the broker has not heard of the topic', async () => {
    const at = new GroupDesk();
    at.makeTopic('orders', 1);
    for (const partition of at.partitions) await at.lead(partition);
    expect(codes((await commit(at, 'g', { orders: 1 })).topics)).toEqual([['orders', 'NOT_COORDINATOR']]);
    for (const partition of at.partitions) expect(partition.contents()).toEqual([]);
  });

  it('forgets the offsets of a topic that is deleted, and of one that was made again', async () => {
    const at = await GroupDesk.open();
    at.makeTopic('fleeting', 1);
    at.makeTopic('again', 1);
    await commit(at, 'g', { orders: 1, fleeting: 2, again: 3 });
    await commit(at, 'h', { fleeting: 4 });
    at.deleteTopic('fleeting');
    at.makeTopic('again', 1, 1, idOf('another'));
    expect(await fetched(at, 'g', 'orders')).toBe(1);
    expect(await fetched(at, 'g', 'fleeting')).toBe(-1);
    expect(await fetched(at, 'h', 'fleeting')).toBe(-1);
    expect(await fetched(at, 'g', 'again')).toBe(-1);
  });

  it('lets offsets of empty groups expire, looking for them from time to time', async () => {
    const at = await GroupDesk.open();
    at.groups.start();
    await commit(at, 'g', { orders: 1 });
    const dayMs = 24 * 60 * 60 * 1000;
    at.clock.advance(7 * dayMs - 60_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await fetched(at, 'g')).toBe(1);
    at.clock.advance(20 * 60_000);
    for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(await fetched(at, 'g')).toBe(-1);
    await at.groups.close();
    expect(at.clock.waitingCount).toBe(0);
  });

  it('knows for its metrics how many groups there are and how far they are behind', async () => {
    const at = await GroupDesk.open();
    await aMember(at, 'g');
    await commit(at, 'h', { 'orders/0': 10, 'orders/1': 20 });
    at.ends.set('orders-0', { logEndOffset: 15, lastStableOffset: 12 });
    expect([...at.groups.groupCounts()].sort()).toEqual([
      ['Classic Empty', 1],
      ['Classic Stable', 1],
    ]);
    expect([...at.groups.committedOffsets()]).toHaveLength(2);
    expect([...at.groups.lags()]).toEqual([
      {
        groupId: 'h',
        topic: 'orders',
        partition: 0,
        offset: 10,
        logEndOffset: 15,
        lastStableOffset: 12,
        lag: 5,
        stableLag: 2,
      },
    ]);
    at.ends.set('orders-0', { logEndOffset: 3, lastStableOffset: 3 });
    expect([...at.groups.lags()]).toMatchObject([{ lag: 0, stableLag: 0 }]);
  });

  it('sends everybody who waits elsewhere when the broker stops', async () => {
    const at = await GroupDesk.open();
    at.partitionOf('g').isAlone = false;
    const waiting = commit(at, 'g', { orders: 1 });
    expect(at.groups.waitingCount).toBe(1);
    await at.groups.close();
    expect(codes((await waiting).topics)).toEqual([['orders', 'NOT_COORDINATOR']]);
    expect(codes((await commit(at, 'g', { orders: 1 })).topics)).toEqual([['orders', 'COORDINATOR_NOT_AVAILABLE']]);
    expect(at.groups.waitingCount).toBe(0);
  });

  it('takes a commit without a generation of a group that has no members', async () => {
    const at = await GroupDesk.open();
    await aMember(at, 'g');
    const topics = [
      { name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }] },
    ];
    const request = { groupId: 'g', memberId: '', generationIdOrMemberEpoch: NO_GENERATION, topics };
    expect(codes((await at.ask(OffsetCommit, 8, request)).topics)).toEqual([['orders', 'UNKNOWN_MEMBER_ID']]);
  });
});
