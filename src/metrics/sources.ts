/**
 * @pure What the metrics read of a broker, as ports: objects of plain numbers that the rooms keep anyway. Everything is
 * read at the moment of a scrape; nothing here is asked for between two.
 */
import type { Histogram } from '../lib/histogram.ts';

/** Numbers of one topic, see TopicCounters of the replica room. */
export interface TopicNumbers {
  readonly messagesIn: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly bytesRejected: number;
  readonly produceRequests: number;
  readonly fetchRequests: number;
  readonly failedProduceRequests: number;
  readonly failedFetchRequests: number;
  readonly replicationBytesIn: number;
  readonly replicationBytesOut: number;
  readonly produceMessageConversions: number;
  readonly invalidCrcRecords: number;
  readonly invalidSequenceRecords: number;
  readonly invalidMagicRecords: number;
  readonly keylessRecords: number;
}

export interface PartitionNumbers {
  readonly topic: string;
  readonly partition: number;
  /** Null where this broker does not lead. */
  readonly leaderState: {
    readonly isr: readonly number[];
    readonly effectiveMinIsr: number;
    readonly isUnderMinIsr: boolean;
    readonly isUnderReplicated: boolean;
    readonly isReassigning: boolean;
  } | null;
  readonly replicas: readonly number[];
  readonly followerLag: number;
  readonly log: { readonly highWatermark: number; readonly lastStableOffset: number };
}

export interface LogNumbers {
  readonly topic: string;
  readonly partition: number;
  readonly isOffline: boolean;
  readonly sizeBytes: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly segments: { readonly all: readonly unknown[] };
  readonly producers: { readonly producers: { readonly size: number } };
}

/** Numbers of one API, see ApiCounters of the broker room. */
export interface ApiNumbers {
  readonly name: string;
  /** By version; holes where nobody asked. */
  readonly requests: readonly (number | undefined)[];
  readonly errors: ReadonlyMap<string, number>;
  readonly totalMs: Histogram;
  readonly queueMs: Histogram;
  readonly localMs: Histogram;
  readonly remoteMs: Histogram;
  readonly responseQueueMs: Histogram;
  readonly sendMs: Histogram;
  readonly requestBytes: Histogram;
  readonly responseBytes: Histogram;
  readonly pending: number;
}

export interface ConnectionNumbers {
  readonly listenerName: string;
  readonly clientSoftware: { readonly name: string; readonly version: string } | null;
  readonly unsentBytes: number;
  readonly isHoldingRequest: boolean;
}

export interface ListenerNumbers {
  readonly listenerName: string;
  readonly created: number;
  readonly closed: number;
  readonly expired: number;
  readonly incomingBytes: number;
  readonly outgoingBytes: number;
}

export interface ControllerNumbers {
  readonly activeControllerCount: number;
  readonly activeBrokerCount: number;
  readonly globalTopicCount: number;
  readonly globalPartitionCount: number;
  readonly offlinePartitionsCount: number;
  readonly preferredReplicaImbalanceCount: number;
  readonly topicsToDeleteCount: number;
  readonly replicasToDeleteCount: number;
  readonly topicsIneligibleToDeleteCount: number;
  readonly eventQueueSize: number;
}

/** Kafka's BrokerState. */
export const BROKER_STATES = { starting: 1, running: 3, leaving: 6 } as const;

export interface MetricSources {
  readonly brokerId: number;
  readonly clusterId: string;
  readonly version: string;
  nowMs(): number;
  brokerState(): keyof typeof BROKER_STATES;

  readonly topics: { readonly topics: ReadonlyMap<string, TopicNumbers>; total(): TopicNumbers };
  readonly replicas: {
    readonly counters: { readonly isrShrinks: number; readonly isrExpands: number; readonly failedIsrUpdates: number };
    readonly offlineCount: number;
    readonly fetchers: { readonly size: number; readonly failedCount: number; readonly fetchCounts: readonly number[] };
    online(): Iterable<PartitionNumbers>;
  };
  readonly logs: {
    readonly counters: { readonly flushMs: Histogram };
    readonly cleanerCounters: {
      readonly maxDirtyPercent: number;
      readonly recopyPercent: number;
      readonly lastCleanSeconds: number;
      readonly lastCleanMs: number;
      readonly maxBufferUtilizationPercent: number;
      readonly uncleanablePartitions: number;
    };
    readonly directories: readonly { readonly path: string; readonly isOffline: boolean }[];
    all(): Iterable<LogNumbers>;
  };
  readonly requests: { readonly all: readonly ApiNumbers[]; of(name: string): ApiNumbers | undefined };
  readonly sockets: {
    readonly counters: ReadonlyMap<string, ListenerNumbers>;
    readonly connections: Iterable<ConnectionNumbers>;
  };
  readonly controller: {
    readonly counters: {
      readonly uncleanLeaderElections: number;
      readonly electionMs: Histogram;
      readonly eventQueueMs: Histogram;
    };
    metrics(): ControllerNumbers;
  };
  readonly groups: {
    /** By `type state`, as in `consumer Stable`. */
    groupCounts(): ReadonlyMap<string, number>;
    committedOffsets(): Iterable<unknown>;
    readonly waitingCount: number;
  };
  readonly fetchSessions: { readonly size: number; readonly partitionCount: number; readonly evictionCount: number };
  readonly zookeeper: {
    readonly state: string;
    readonly counters: {
      readonly connects: number;
      readonly disconnects: number;
      readonly expires: number;
      readonly requestMs: Histogram;
    };
  };
  /** A file of /proc; null where there is none. */
  procFile(path: string): string | null;
}
