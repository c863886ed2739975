/**
 * Who leads now, for the answer to one who asked the wrong broker: so that a client need not refresh its metadata first
 * (KIP-951). Kafka's KafkaApis.getCurrentLeader.
 */
import type { Broker } from './broker.ts';

export interface LeaderIdAndEpoch {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

export interface NodeEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

/** The leaders that one response speaks of, and where they are reached by the listener that the request came on. */
export class CurrentLeaders {
  readonly #broker: Pick<Broker, 'replicas' | 'metadata'>;
  readonly #listenerName: string;
  readonly #nodes = new Map<number, NodeEndpoint>();

  constructor(broker: Pick<Broker, 'replicas' | 'metadata'>, listenerName: string) {
    this.#broker = broker;
    this.#listenerName = listenerName;
  }

  get nodeEndpoints(): NodeEndpoint[] {
    return [...this.#nodes.values()];
  }

  /** -1/-1 when nobody is known. The replica here knows it before the metadata do. */
  of(topic: string, partition: number): LeaderIdAndEpoch {
    const { replicas, metadata } = this.#broker;
    const replica = replicas.find(topic, partition);
    const known = metadata.partition(topic, partition);
    const leader =
      typeof replica === 'string' || replica.leaderEpoch === -1
        ? { leaderId: known?.leader ?? -1, leaderEpoch: known?.leaderEpoch ?? -1 }
        : { leaderId: replica.leaderId, leaderEpoch: replica.leaderEpoch };
    const endpoint = metadata.endpoint(leader.leaderId, this.#listenerName);
    if (endpoint !== undefined) {
      const { host, port } = endpoint;
      const rack = metadata.broker(leader.leaderId)?.rack ?? null;
      this.#nodes.set(leader.leaderId, { nodeId: leader.leaderId, host, port, rack });
    }
    return leader;
  }
}
