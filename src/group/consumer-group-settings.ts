/**
 * @pure What the rules of the consumer protocol need of the broker: its configuration by the names of BrokerConfig,
 * the topics as they are now, assignors, regular expressions.
 */
import type { Logger } from '../lib/logger.ts';
import type { TopicsView } from './group-settings.ts';
import type { ServerAssignors } from './server-assignors.ts';
import type { TopicRegexes } from './topic-regexes.ts';

/** Kafka's group.consumer.migration.policy, which way a group may change its protocol while it has members. */
export type MigrationPolicy = 'disabled' | 'upgrade' | 'downgrade' | 'bidirectional';

export interface ConsumerGroupSettings {
  readonly groupConsumerSessionTimeoutMs: number;
  readonly groupConsumerHeartbeatIntervalMs: number;
  readonly groupConsumerMaxSize: number;
  readonly groupConsumerAssignors: readonly string[];
  readonly groupConsumerMigrationPolicy: MigrationPolicy;
  readonly groupConsumerRegexRefreshIntervalMs: number;
  /** Of classic groups: a group that is larger stays as it is. */
  readonly groupMaxSize: number;
}

export interface ConsumerGroupEnvironment {
  readonly settings: ConsumerGroupSettings;
  readonly assignors: ServerAssignors;
  readonly regexes: TopicRegexes;
  readonly topics: () => TopicsView;
  readonly newMemberId: (prefix: string) => string;
  readonly logger: Logger;
}
