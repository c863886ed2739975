/**
 * @pure What the rules of groups need of the broker's configuration, of the request's sender and of the cluster's
 * topics, as they need it. BrokerConfig, RequestContext and the metadata image fit these by their shape.
 */
import type { TopicId } from '../model/topic-partition.ts';

/** The keys of the broker's configuration by the names of BrokerConfig. */
export interface ClassicGroupSettings {
  readonly groupMinSessionTimeoutMs: number;
  readonly groupMaxSessionTimeoutMs: number;
  readonly groupInitialRebalanceDelayMs: number;
  readonly groupMaxSize: number;
  /** Despite its name counted in UTF-16 code units, as Kafka does. */
  readonly offsetMetadataMaxBytes: number;
  readonly offsetsRetentionMinutes: number;
}

/** The cluster's topics as the newest metadata has them. */
export interface TopicsView {
  topicId(topic: string): TopicId | undefined;
  topicName(topicId: TopicId): string | undefined;
  /** 0 when there is no such topic. */
  partitionCount(topic: string): number;
  topicNames(): Iterable<string>;
}

/** Who asks. */
export interface MemberContext {
  readonly clientId: string;
  /** `/127.0.0.1`, as Kafka prints an address. */
  readonly clientHost: string;
  /** Of the request. */
  readonly version: number;
}
