/**
 * A broker as the controller sees it: takes LeaderAndIsr, UpdateMetadata and StopReplica, checks epochs as Kafka
 * does, and remembers what it was told. It can be unreachable, or take a request and lose the reply. Every message
 * goes through its codec, so that only what can be sent arrives.
 */
import type { BrokerConnection } from '../../src/controller/broker-channels.ts';
import { MetadataCache } from '../../src/metadata/metadata-cache.ts';
import { LEADER_DURING_DELETE } from '../../src/model/leader-and-isr.ts';
import { Errors } from '../../src/protocol/errors.ts';
import { LeaderAndIsr } from '../../src/protocol/messages/04-leader-and-isr.ts';
import { StopReplica } from '../../src/protocol/messages/05-stop-replica.ts';
import { UpdateMetadata } from '../../src/protocol/messages/06-update-metadata.ts';
import { Reader } from '../../src/protocol/reader.ts';
import type { Api, RequestOf, ResponseOf } from '../../src/protocol/schema.ts';
import { Writer } from '../../src/protocol/writer.ts';

type LeaderAndIsrRequest = RequestOf<typeof LeaderAndIsr>;
type PartitionState = LeaderAndIsrRequest['topicStates'][number]['partitionStates'][number];

export interface HostedReplica {
  readonly topicId: string;
  readonly state: PartitionState;
  isStopped: boolean;
}

const FULL = 2;

export class FakeBroker {
  readonly brokerId: number;
  brokerEpoch = -1;
  /** Rejects everything, as a broker that cannot be reached. */
  isReachable = true;
  /** How many of the next replies are lost after the request was carried out. */
  lostReplies = 0;
  /** Keys of replicas on a failed disk. */
  readonly failedReplicas = new Set<string>();
  /** Keys of replicas where this broker has the log of an earlier topic, until a full LeaderAndIsr names ours. */
  readonly strays = new Set<string>();
  readonly hosted = new Map<string, HostedReplica>();
  readonly deleted: string[] = [];
  /** What the broker would answer clients from. */
  cache = new MetadataCache();
  readonly metadata = new Map<string, { leader: number; leaderEpoch: number; isr: readonly number[] }>();
  liveBrokers: readonly number[] = [];
  /** What was told, one line a request. */
  told: string[] = [];
  inFlight = 0;
  #controllerEpoch = -1;

  constructor(brokerId: number) {
    this.brokerId = brokerId;
  }

  /** A new process, not registered yet: nothing is left but what is on the disk. */
  restart(): void {
    this.brokerEpoch = -1;
    this.#controllerEpoch = -1;
    this.metadata.clear();
    this.cache = new MetadataCache();
    this.told = [];
    this.hosted.clear();
  }

  connect(): BrokerConnection {
    let isClosed = false;
    const send = async (api: Api, version: number, request: unknown): Promise<unknown> => {
      this.inFlight++;
      try {
        await nextTurn();
        if (!this.isReachable || isClosed) throw new Error(`broker ${this.brokerId} cannot be reached`);
        const response = this.#answer(api, roundTrip(api.requestCodec(version), request));
        const isLost = this.lostReplies > 0;
        if (isLost) this.lostReplies--;
        await nextTurn();
        if (isLost || isClosed) throw new Error(`the reply of broker ${this.brokerId} was lost`);
        return roundTrip(api.responseCodec(version), response);
      } finally {
        this.inFlight--;
      }
    };
    // The codec has checked the types that this erases.
    return { send: send as BrokerConnection['send'], close: () => (isClosed = true) };
  }

  #answer(api: Api, request: unknown): unknown {
    switch (api.key) {
      case LeaderAndIsr.key:
        return this.#leaderAndIsr(request as LeaderAndIsrRequest);
      case UpdateMetadata.key:
        return this.#updateMetadata(request as RequestOf<typeof UpdateMetadata>);
      case StopReplica.key:
        return this.#stopReplica(request as RequestOf<typeof StopReplica>);
      default:
        throw new Error(`unexpected request ${api.name}`);
    }
  }

  #refusal(request: { brokerEpoch: number; controllerEpoch: number }): number {
    if (request.brokerEpoch !== -1 && request.brokerEpoch < this.brokerEpoch) return Errors.STALE_BROKER_EPOCH;
    if (request.controllerEpoch < this.#controllerEpoch) return Errors.STALE_CONTROLLER_EPOCH;
    this.#controllerEpoch = request.controllerEpoch;
    return Errors.NONE;
  }

  #leaderAndIsr(request: LeaderAndIsrRequest): ResponseOf<typeof LeaderAndIsr> {
    const errorCode = this.#refusal(request);
    const type = request.type === FULL ? 'full ' : '';
    if (errorCode !== Errors.NONE) return { errorCode, partitionErrors: [], topics: [] };
    if (request.type === FULL) this.strays.clear();
    const named: string[] = [];
    const topics = request.topicStates.map(({ topicName, topicId, partitionStates }) => ({
      topicId,
      partitionErrors: partitionStates.map((state) => {
        const key = `${topicName}-${state.partitionIndex}`;
        named.push(`${key} ${state.leader}/${state.leaderEpoch} (${state.isr})${state.isNew ? ' new' : ''}`);
        return { partitionIndex: state.partitionIndex, errorCode: this.#apply(key, topicId, state) };
      }),
    }));
    this.told.push(`LeaderAndIsr ${type}${named.join('; ') || 'nothing'}`);
    return { errorCode, partitionErrors: [], topics };
  }

  #apply(key: string, topicId: string, state: PartitionState): number {
    if (this.failedReplicas.has(key)) return Errors.KAFKA_STORAGE_ERROR;
    if (!state.replicas.includes(this.brokerId)) return Errors.UNKNOWN_TOPIC_OR_PARTITION;
    if (this.strays.has(key)) return Errors.INCONSISTENT_TOPIC_ID;
    const known = this.hosted.get(key);
    const isSame = known !== undefined && known.topicId === topicId;
    if (isSame && known.state.leaderEpoch > state.leaderEpoch) return Errors.STALE_CONTROLLER_EPOCH;
    if (isSame && known.state.partitionEpoch > state.partitionEpoch) return Errors.STALE_CONTROLLER_EPOCH;
    this.hosted.set(key, { topicId, state, isStopped: false });
    return Errors.NONE;
  }

  #updateMetadata(request: RequestOf<typeof UpdateMetadata>): ResponseOf<typeof UpdateMetadata> {
    const errorCode = this.#refusal(request);
    if (errorCode !== Errors.NONE) return { errorCode };
    this.cache.applyUpdateMetadata(request);
    if (request.type === FULL) this.metadata.clear();
    this.liveBrokers = request.liveBrokers.map(({ id }) => id).sort((a, b) => a - b);
    const named: string[] = [];
    for (const { topicName, partitionStates } of request.topicStates)
      for (const { partitionIndex, leader, leaderEpoch, isr } of partitionStates) {
        const key = `${topicName}-${partitionIndex}`;
        named.push(`${key} ${leader}/${leaderEpoch}`);
        if (leader === LEADER_DURING_DELETE) this.metadata.delete(key);
        else this.metadata.set(key, { leader, leaderEpoch, isr });
      }
    const type = request.type === FULL ? 'full ' : '';
    this.told.push(`UpdateMetadata ${type}brokers (${this.liveBrokers}) ${named.join('; ')}`.trimEnd());
    return { errorCode };
  }

  #stopReplica(request: RequestOf<typeof StopReplica>): ResponseOf<typeof StopReplica> {
    const errorCode = this.#refusal(request);
    if (errorCode !== Errors.NONE) return { errorCode, partitionErrors: [] };
    const named: string[] = [];
    const partitionErrors = request.topicStates.flatMap(({ topicName, partitionStates }) =>
      partitionStates.map(({ partitionIndex, leaderEpoch, deletePartition }) => {
        const key = `${topicName}-${partitionIndex}`;
        named.push(`${key}${deletePartition ? ' delete' : ''}`);
        const error = this.#stop(key, leaderEpoch, deletePartition);
        return { topicName, partitionIndex, errorCode: error };
      }),
    );
    this.told.push(`StopReplica ${named.join('; ')}`);
    return { errorCode, partitionErrors };
  }

  #stop(key: string, leaderEpoch: number, deletePartition: boolean): number {
    if (this.failedReplicas.has(key)) return Errors.KAFKA_STORAGE_ERROR;
    const replica = this.hosted.get(key);
    if (replica === undefined) return Errors.NONE;
    if (leaderEpoch >= 0 && leaderEpoch < replica.state.leaderEpoch) return Errors.FENCED_LEADER_EPOCH;
    replica.isStopped = true;
    if (deletePartition) {
      this.hosted.delete(key);
      this.deleted.push(key);
    }
    return Errors.NONE;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface AnyCodec {
  read(reader: Reader): unknown;
  write(writer: Writer, value: never): void;
}

function roundTrip(codec: AnyCodec, value: unknown): unknown {
  const writer = new Writer();
  codec.write(writer, value as never);
  return codec.read(new Reader(writer.finish()));
}
