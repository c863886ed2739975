/** Requests to groups with everything but the interesting fields filled in, for the pure rules. */
import type { MemberContext } from '../../src/group/group-settings.ts';
import type { OffsetCommit } from '../../src/protocol/messages/08-offset-commit.ts';
import type { JoinGroup } from '../../src/protocol/messages/11-join-group.ts';
import type { Heartbeat } from '../../src/protocol/messages/12-heartbeat.ts';
import type { LeaveGroup } from '../../src/protocol/messages/13-leave-group.ts';
import type { SyncGroup } from '../../src/protocol/messages/14-sync-group.ts';
import type { ConsumerGroupHeartbeat } from '../../src/protocol/messages/68-consumer-group-heartbeat.ts';
import { array, bytes, string } from '../../src/protocol/schema.ts';
import type { RequestOf } from '../../src/protocol/schema.ts';
import { defineStoredRecord } from '../../src/protocol/stored-record.ts';

export function memberContext(version: number, clientId = 'c'): MemberContext {
  return { clientId, clientHost: '/127.0.0.1', version };
}

/** What a consumer that reads these topics says to its group. */
export function subscription(topics: readonly string[], userData = ''): Buffer {
  return Subscription.encode({ topics, userData: Buffer.from(userData) });
}

const Subscription = defineStoredRecord({
  name: 'ConsumerProtocolSubscription',
  validVersions: '0',
  fields: { topics: array(string()), userData: bytes() },
});

export function joinRequest(fields: Partial<RequestOf<typeof JoinGroup>>): RequestOf<typeof JoinGroup> {
  return {
    groupId: 'g',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    memberId: '',
    groupInstanceId: null,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription(['t']) }],
    reason: null,
    ...fields,
  };
}

export function syncRequest(fields: Partial<RequestOf<typeof SyncGroup>>): RequestOf<typeof SyncGroup> {
  return {
    groupId: 'g',
    generationId: 1,
    memberId: '',
    groupInstanceId: null,
    protocolType: null,
    protocolName: null,
    assignments: [],
    ...fields,
  };
}

export function heartbeatRequest(fields: Partial<RequestOf<typeof Heartbeat>>): RequestOf<typeof Heartbeat> {
  return { groupId: 'g', generationId: 1, memberId: '', groupInstanceId: null, ...fields };
}

export function leaveRequest(fields: Partial<RequestOf<typeof LeaveGroup>>): RequestOf<typeof LeaveGroup> {
  return { groupId: 'g', memberId: '', members: [], ...fields };
}

export function commitRequest(fields: Partial<RequestOf<typeof OffsetCommit>>): RequestOf<typeof OffsetCommit> {
  return {
    groupId: 'g',
    generationIdOrMemberEpoch: -1,
    memberId: '',
    groupInstanceId: null,
    retentionTimeMs: -1,
    topics: [],
    ...fields,
  };
}

export function consumerHeartbeatRequest(
  fields: Partial<RequestOf<typeof ConsumerGroupHeartbeat>>,
): RequestOf<typeof ConsumerGroupHeartbeat> {
  return {
    groupId: 'g',
    memberId: '',
    memberEpoch: 0,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: -1,
    subscribedTopicNames: null,
    subscribedTopicRegex: null,
    serverAssignor: null,
    topicPartitions: null,
    ...fields,
  };
}
