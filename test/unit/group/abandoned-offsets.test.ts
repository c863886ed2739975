/** Whatever becomes of a group, its offsets have one: an administrator sees them, deletes them, and they expire. */
import { describe, expect, it } from 'vitest';
import type { Ticket } from '../../../src/coordinator/shard.ts';
import type { ListedGroup } from '../../../src/group/group-shard.ts';
import { errorName } from '../../../src/protocol/errors.ts';
import { commitRequest, consumerHeartbeatRequest, joinRequest, memberContext } from '../../support/group-requests.ts';
import { GroupStage } from '../../support/group-stage.ts';

const COMMIT = {
  partitionIndex: 0,
  committedOffset: 7,
  committedLeaderEpoch: -1,
  commitTimestamp: -1,
  committedMetadata: '',
};

/** A group of the consumer protocol that has committed, and that its last member has left. */
function anEmptyConsumerGroup() {
  const answers = new Map<Ticket, unknown>();
  const stage = new GroupStage({ onAnswered: (ticket, response) => answers.set(ticket, response) });
  const heartbeat = (fields: Parameters<typeof consumerHeartbeatRequest>[0]): Ticket =>
    stage.ask((shard, ticket, nowMs) =>
      shard.consumerGroupHeartbeat(memberContext(1), consumerHeartbeatRequest(fields), ticket, nowMs),
    );
  const join = (fields: Parameters<typeof joinRequest>[0]): Ticket =>
    stage.ask((shard, ticket, nowMs) => shard.joinGroup(memberContext(9), joinRequest(fields), ticket, nowMs));
  const listed = (): readonly ListedGroup[] => {
    const ticket = stage.ask((shard, asked, nowMs) =>
      shard.listGroups({ statesFilter: [], typesFilter: [] }, asked, nowMs),
    );
    return answers.get(ticket) as readonly ListedGroup[];
  };
  const errorOf = (ticket: Ticket): string => errorName((answers.get(ticket) as { errorCode: number }).errorCode);
  heartbeat({ memberId: 'm', rebalanceTimeoutMs: 1000, subscribedTopicNames: ['t'], topicPartitions: [] });
  const topics = [{ name: 't', partitions: [COMMIT] }];
  stage.ask((shard, ticket, nowMs) =>
    shard.commitOffsets(
      memberContext(9),
      commitRequest({ memberId: 'm', generationIdOrMemberEpoch: 1, topics }),
      ticket,
      nowMs,
    ),
  );
  heartbeat({ memberId: 'm', memberEpoch: -1 });
  return { stage, join, listed, errorOf };
}

describe.each([
  {
    what: 'a member of the classic protocol is refused',
    join: { protocols: [] },
    answer: 'INCONSISTENT_GROUP_PROTOCOL',
  },
  { what: 'a member of the classic protocol was invited and never came', join: {}, answer: 'MEMBER_ID_REQUIRED' },
])('the offsets of an empty consumer group after $what', ({ join: request, answer }) => {
  it('are listed, live and read back', () => {
    const { stage, join, listed, errorOf } = anEmptyConsumerGroup();
    expect(errorOf(join(request))).toBe(answer);
    stage.advance(60_000);
    expect(listed()).toMatchObject([{ groupId: 'g', groupState: 'Empty' }]);
    stage.reload();
    expect(listed()).toMatchObject([{ groupId: 'g', groupState: 'Empty' }]);
  });

  it('can be deleted', () => {
    const { stage, join, listed, errorOf } = anEmptyConsumerGroup();
    join(request);
    stage.advance(60_000);
    expect(errorOf(stage.ask((shard, ticket, nowMs) => shard.deleteGroup('g', ticket, nowMs)))).toBe('NONE');
    expect(listed()).toEqual([]);
    stage.reload();
    expect(listed()).toEqual([]);
  });

  it('expire', () => {
    const { stage, join, listed } = anEmptyConsumerGroup();
    join(request);
    stage.advance(8 * 24 * 3_600_000);
    stage.carryOut(stage.shard.expireOffsets(stage.nowMs));
    expect([...stage.shard.committedOffsets()]).toEqual([]);
    expect(listed()).toEqual([]);
  });
});
