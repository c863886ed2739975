/** The APIs of the consumer protocol (KIP-848) through their bytes, over the real coordinator. */
import { describe, expect, it } from 'vitest';
import { errorName } from '../../../../src/protocol/errors.ts';
import { ConsumerGroupHeartbeat } from '../../../../src/protocol/messages/68-consumer-group-heartbeat.ts';
import { ConsumerGroupDescribe } from '../../../../src/protocol/messages/69-consumer-group-describe.ts';
import { GroupDesk } from '../../../support/group-desk.ts';

describe('a member of the consumer protocol', () => {
  const join = { groupId: 'g', memberEpoch: 0, rebalanceTimeoutMs: 10_000, subscribedTopicNames: ['orders'] };

  it.each([0, 1])('lives by ConsumerGroupHeartbeat v%i', async (version) => {
    const at = await GroupDesk.open();
    // From v1 on the member makes its own id.
    const named = version === 0 ? '' : 'JrQ3Yj0cQ1uKpP3n5pXv9w';
    const request = { ...join, memberId: named, topicPartitions: [] };
    const joined = await at.ask(ConsumerGroupHeartbeat, version, request);
    expect(joined).toMatchObject({ errorCode: 0, memberEpoch: 1, heartbeatIntervalMs: 5000 });
    expect(joined.assignment?.topicPartitions).toEqual([
      { topicId: at.metadata.topicId('orders'), partitions: [0, 1] },
    ]);
    const memberId = joined.memberId ?? '';
    expect(memberId).toMatch(version === 0 ? /^tester-[0-9a-f-]{36}$/ : named);
    const again = await at.ask(ConsumerGroupHeartbeat, version, { groupId: 'g', memberId, memberEpoch: 1 });
    expect(again).toMatchObject({ errorCode: 0, memberEpoch: 1, assignment: null });
    const { groups } = await at.ask(ConsumerGroupDescribe, version, {
      groupIds: ['g', 'none', 'g', ''],
      includeAuthorizedOperations: true,
    });
    expect(groups.map(({ groupId, errorCode }) => [groupId, errorName(errorCode)])).toEqual([
      ['g', 'NONE'],
      ['none', 'GROUP_ID_NOT_FOUND'],
      ['', 'INVALID_GROUP_ID'],
    ]);
    expect(groups[0]).toMatchObject({ groupState: 'Stable', groupEpoch: 1, members: [{ memberId, memberEpoch: 1 }] });
    expect(groups[0]?.authorizedOperations).toBe((1 << 3) | (1 << 6) | (1 << 8));
    const left = await at.ask(ConsumerGroupHeartbeat, version, { groupId: 'g', memberId, memberEpoch: -1 });
    expect(left).toMatchObject({ errorCode: 0, memberEpoch: -1 });
  });

  it('is told what is wrong in words', async () => {
    const at = await GroupDesk.open();
    const stranger = await at.ask(ConsumerGroupHeartbeat, 0, { groupId: 'g', memberId: 'x', memberEpoch: 5 });
    expect(errorName(stranger.errorCode)).toBe('GROUP_ID_NOT_FOUND');
    expect(stranger.errorMessage).toContain('g');
    at.partitionOf('g').lose();
    const elsewhere = await at.ask(ConsumerGroupHeartbeat, 0, { ...join, memberId: '', topicPartitions: [] });
    expect([errorName(elsewhere.errorCode), elsewhere.errorMessage]).toEqual(['NOT_COORDINATOR', null]);
  });
});
