/** OffsetForLeaderEpoch through its bytes, over a real log. */
import { describe, expect, it } from 'vitest';
import { errorName } from '../../../../src/protocol/errors.ts';
import { OffsetForLeaderEpoch } from '../../../../src/protocol/messages/23-offset-for-leader-epoch.ts';
import { DataPlane, TOPIC } from '../../../support/data-plane.ts';

/** Epoch 2 from offset 0, epoch 5 from offset 2, three records. */
async function twoEpochs(): Promise<DataPlane> {
  const plane = await DataPlane.open();
  await plane.lead({ leaderEpoch: 2 });
  plane.append(['a', 'b']);
  await plane.order([{ leaderEpoch: 5 }]);
  plane.append(['c']);
  return plane;
}

async function ask(
  plane: DataPlane,
  leaderEpoch: number,
  { currentLeaderEpoch = -1, version = 4, partition = 0 } = {},
): Promise<(string | number)[]> {
  const topics = [{ topic: TOPIC, partitions: [{ partition, leaderEpoch, currentLeaderEpoch }] }];
  const response = await plane.desk.ask(OffsetForLeaderEpoch, version, { topics });
  const answer = response?.topics[0]?.partitions[0];
  if (answer === undefined) return ['no answer'];
  return answer.errorCode === 0 ? [answer.leaderEpoch, answer.endOffset] : [errorName(answer.errorCode)];
}

describe('OffsetForLeaderEpoch', () => {
  it.each([
    ['an epoch that has ended', 2, [2, 2]],
    ['the present epoch', 5, [5, 3]],
    ['an epoch that was never here, between two', 4, [2, 2]],
    ['an epoch older than all', 1, [1, 0]],
    ['an epoch newer than all', 6, [-1, -1]],
    ['no epoch', -1, [-1, -1]],
  ] as const)('tells where %s ended', async (_what, leaderEpoch, expected) => {
    expect(await ask(await twoEpochs(), leaderEpoch)).toEqual(expected);
  });

  it('says no epoch to those who cannot hear it', async () => {
    expect(await ask(await twoEpochs(), 2, { version: 0 })).toEqual([-1, 2]);
  });

  it.each([
    ['an older current epoch', { currentLeaderEpoch: 4 }, 'FENCED_LEADER_EPOCH'],
    ['a newer current epoch', { currentLeaderEpoch: 6 }, 'UNKNOWN_LEADER_EPOCH'],
    ['a partition that is not here', { partition: 7 }, 'UNKNOWN_TOPIC_OR_PARTITION'],
  ])('refuses %s', async (_what, asked, error) => {
    expect(await ask(await twoEpochs(), 2, asked)).toEqual([error]);
  });

  it('is answered by the leader alone', async () => {
    const plane = await twoEpochs();
    await plane.order([{ leader: 2, leaderEpoch: 6, replicas: [1, 2] }]);
    expect(await ask(plane, 2)).toEqual(['NOT_LEADER_OR_FOLLOWER']);
  });
});
