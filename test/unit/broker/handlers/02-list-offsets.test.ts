/** ListOffsets through its bytes, over a real log. */
import { describe, expect, it } from 'vitest';
import { errorName } from '../../../../src/protocol/errors.ts';
import { ListOffsets } from '../../../../src/protocol/messages/02-list-offsets.ts';
import { DataPlane, TOPIC } from '../../../support/data-plane.ts';
import { aBatch } from '../../../support/logs.ts';

const TWO = { isr: [1, 2], replicas: [1, 2] };

interface Asked {
  readonly version?: number;
  readonly replicaId?: number;
  readonly isolationLevel?: number;
  readonly currentLeaderEpoch?: number;
  readonly partition?: number;
}

async function ask(plane: DataPlane, timestamp: number, asked: Asked = {}): Promise<(string | number)[]> {
  const { version = 9, replicaId = -1, isolationLevel = 0, currentLeaderEpoch = -1, partition = 0 } = asked;
  const partitions = [{ partitionIndex: partition, timestamp, currentLeaderEpoch }];
  const request = { replicaId, ...(version >= 2 && { isolationLevel }), topics: [{ name: TOPIC, partitions }] };
  const response = await plane.desk.ask(ListOffsets, version, request);
  const answer = response?.topics[0]?.partitions[0];
  if (answer === undefined) return ['no answer'];
  return answer.errorCode === 0 ? [answer.offset, answer.timestamp, answer.leaderEpoch] : [errorName(answer.errorCode)];
}

/** Records at times 1000, 3000 and 2000; the first two are committed. */
async function threeRecords(): Promise<DataPlane> {
  const plane = await DataPlane.open();
  await plane.lead({ ...TWO, leaderEpoch: 4 });
  for (const timestampMs of [1000, 3000, 2000])
    plane.partition().append(aBatch({ timestampMs }), 1, 'client', plane.clock.nowMs());
  await plane.fetchAs(2, { fetchOffset: 2 });
  return plane;
}

describe('ListOffsets', () => {
  it.each([
    ['the end of what is committed', -1, {}, [2, -1, 4]],
    ['the same to those who read committed records', -1, { isolationLevel: 1 }, [2, -1, 4]],
    ['the end of the log to a replica', -1, { replicaId: 2 }, [3, -1, 4]],
    ['the start', -2, {}, [0, -1, 4]],
    ['the record with the largest timestamp', -3, {}, [1, 3000, 4]],
    ['the start of what is local', -4, {}, [0, -1, 4]],
    ['nothing tiered', -5, {}, [-1, -1, -1]],
    ['the first record not older than a time', 1001, {}, [1, 3000, 4]],
    ['the first record for the time zero', 0, {}, [0, 1000, 4]],
    ['nothing for a time to come', 9000, {}, [-1, -1, -1]],
    ['no epoch to clients that do not know of it', -1, { version: 3 }, [2, -1, -1]],
  ] as const)('tells %s', async (_what, timestamp, asked, expected) => {
    expect(await ask(await threeRecords(), timestamp, asked)).toEqual(expected);
  });

  it('does not tell of records that are not committed', async () => {
    const plane = await DataPlane.open();
    await plane.lead(TWO);
    plane.append(['a']);
    expect(await ask(plane, 1)).toEqual([-1, -1, -1]);
    expect(await ask(plane, -3)).toEqual([-1, -1, -1]);
    expect(await ask(plane, 1, { replicaId: 2 })).toEqual([0, 1000, 1]);
  });

  it('does not know the end right after an election, while the high watermark is behind (KIP-207)', async () => {
    const plane = await DataPlane.open();
    await plane.lead(TWO);
    plane.append(['a', 'b']);
    await plane.order([{ ...TWO, leaderEpoch: 2 }]);
    expect(await ask(plane, -1)).toEqual(['OFFSET_NOT_AVAILABLE']);
    expect(await ask(plane, 1)).toEqual(['OFFSET_NOT_AVAILABLE']);
    expect(await ask(plane, -1, { version: 4 })).toEqual(['LEADER_NOT_AVAILABLE']);
    expect(await ask(plane, -2)).toEqual([0, -1, 1]);
    expect(await ask(plane, -1, { replicaId: 2 })).toEqual([2, -1, 2]);
    await plane.fetchAs(2, { fetchOffset: 2 });
    expect(await ask(plane, -1)).toEqual([2, -1, 2]);
  });

  it.each([
    ['a place that the version does not know', -3, { version: 6 }, 'UNSUPPORTED_VERSION'],
    ['a place that nobody knows', -6, {}, 'UNSUPPORTED_VERSION'],
    ['an older epoch', -1, { currentLeaderEpoch: 3 }, 'FENCED_LEADER_EPOCH'],
    ['a newer epoch', -1, { currentLeaderEpoch: 5 }, 'UNKNOWN_LEADER_EPOCH'],
    ['a partition that is not here', -1, { partition: 7 }, 'UNKNOWN_TOPIC_OR_PARTITION'],
  ] as const)('refuses %s', async (_what, timestamp, asked, error) => {
    expect(await ask(await threeRecords(), timestamp, asked)).toEqual([error]);
  });

  it('refuses a partition that is named twice', async () => {
    const plane = await threeRecords();
    const partitions = [0, 0].map((partitionIndex) => ({ partitionIndex, timestamp: -1 }));
    const response = await plane.desk.ask(ListOffsets, 9, { replicaId: -1, topics: [{ name: TOPIC, partitions }] });
    expect(response?.topics[0]?.partitions.map(({ errorCode }) => errorName(errorCode))).toEqual([
      'INVALID_REQUEST',
      'INVALID_REQUEST',
    ]);
  });

  it('is answered by the leader, to a debugger by any replica', async () => {
    const plane = await DataPlane.open();
    await plane.lead({ ...TWO, leader: 2 });
    expect(await ask(plane, -2)).toEqual(['NOT_LEADER_OR_FOLLOWER']);
    expect(await ask(plane, -2, { replicaId: -2 })).toEqual([0, -1, -1]);
  });
});
