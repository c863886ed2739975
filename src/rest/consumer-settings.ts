/** @pure What a consumer instance tells the consumer of the cluster that reads for it. */
import type { GroupSettings } from '../client/group-consumer.ts';
import type { ConsumerSettings } from '../client/record-consumer.ts';
import type { ConsumerConfig } from './consumer-config.ts';
import type { Subscription } from './consumer-state.ts';
import { topicPattern } from './topic-pattern.ts';

/** What Java's consumer has by default. */
const MEMBER = {
  groupInstanceId: null,
  sessionTimeoutMs: 45_000,
  heartbeatIntervalMs: 3000,
  rebalanceTimeoutMs: 300_000,
  assignors: ['range'],
} as const;
const AUTO_COMMIT_INTERVAL_MS = 5000;
/** As much as may lie here for a client that does not come for it, from each broker; a larger batch comes alone. */
const FETCHES = {
  maxWaitMs: 500,
  minBytes: 1,
  maxBytes: 1024 * 1024,
  maxPartitionBytes: 512 * 1024,
  checksCrc: true,
  isReadCommitted: false,
  metadataMaxAgeMs: 300_000,
} as const;

export function consumerSettings(subscription: Subscription, { reset }: ConsumerConfig): ConsumerSettings {
  return { ...FETCHES, topics: topicsOf(subscription), partition: null, start: 'latest', reset };
}

export function groupSettings(
  subscription: Subscription,
  { isCommitting }: ConsumerConfig,
  groupId: string,
): GroupSettings {
  const autoCommitIntervalMs = isCommitting ? AUTO_COMMIT_INTERVAL_MS : null;
  if (subscription.kind === 'assigned')
    return { membership: { protocol: 'assigned', groupId, partitions: subscription.partitions }, autoCommitIntervalMs };
  return { membership: { protocol: 'classic', groupId, ...MEMBER }, autoCommitIntervalMs };
}

function topicsOf(subscription: Subscription): readonly string[] | ((name: string) => boolean) {
  switch (subscription.kind) {
    case 'none':
      return [];
    case 'topics':
      return subscription.topics;
    case 'pattern':
      return topicPattern(subscription.pattern);
    case 'assigned':
      return [...new Set(subscription.partitions.map(({ topic }) => topic))];
  }
}
