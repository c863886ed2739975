/**
 * OffsetForLeaderEpoch v0-4: where did this leader epoch end?
 *
 * Followers and consumers ask it to find where their log diverged (KIP-101, KIP-279, KIP-320). The answer is the
 * largest epoch up to the asked one that the leader knows, and its end; -1 and -1 for an epoch newer than ours.
 * Versions: v1 says which epoch the end is of, v2 fences by currentLeaderEpoch.
 */
import { type ErrorName, Errors } from '../../protocol/errors.ts';
import { OffsetForLeaderEpoch } from '../../protocol/messages/23-offset-for-leader-epoch.ts';
import { handler, type RequestContext } from '../handler.ts';

export const offsetForLeaderEpoch = handler(OffsetForLeaderEpoch, { versions: '0-4' }, ({ broker }, request) => ({
  topics: request.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => {
      const end = endOfEpoch(broker, topic, partition, currentLeaderEpoch, leaderEpoch);
      if (typeof end === 'string') return { partition, errorCode: Errors[end] };
      return { partition, errorCode: Errors.NONE, ...end };
    }),
  })),
}));

function endOfEpoch(
  broker: RequestContext['broker'],
  topic: string,
  partition: number,
  currentLeaderEpoch: number,
  leaderEpoch: number,
): { leaderEpoch: number; endOffset: number } | ErrorName {
  const replica = broker.replicas.find(topic, partition);
  return typeof replica === 'string' ? replica : replica.endOffsetForEpoch(currentLeaderEpoch, leaderEpoch);
}
