/**
 * @pure What a broker knows of the cluster: one immutable value, replaced as a whole by every UpdateMetadata.
 *
 * Guarantees: an image never changes once made; a topic whose last partition is deleted is gone together with its id; a
 * topic that comes back under another id drops the old id. Kafka's ZkMetadataCache is the reference.
 */
import type { BrokerInfo, Endpoint, SecurityProtocol } from '../model/broker.ts';
import { SECURITY_PROTOCOL_IDS } from '../model/broker.ts';
import { LEADER_DURING_DELETE } from '../model/leader-and-isr.ts';
import type { TopicId, TopicPartition } from '../model/topic-partition.ts';
import { ZERO_TOPIC_ID } from '../model/topic-partition.ts';

export interface PartitionImage {
  readonly partition: number;
  /** The broker that leads, or NO_LEADER. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly replicas: readonly number[];
  readonly offlineReplicas: readonly number[];
  readonly controllerEpoch: number;
  /** Version of the partition's state znode. */
  readonly partitionEpoch: number;
}

export interface TopicImage {
  readonly topicId: TopicId;
  readonly partitions: ReadonlyMap<number, PartitionImage>;
}

export interface MetadataImage {
  /** The controller that sent the last update, or -1 before the first one. */
  readonly controllerId: number;
  readonly controllerEpoch: number;
  /** The brokers that are alive. `brokerEpoch` is -1: UpdateMetadata does not carry it. */
  readonly brokers: ReadonlyMap<number, BrokerInfo>;
  readonly topics: ReadonlyMap<string, TopicImage>;
  readonly topicNameById: ReadonlyMap<TopicId, string>;
}

export const EMPTY_IMAGE: MetadataImage = {
  controllerId: -1,
  controllerEpoch: -1,
  brokers: new Map(),
  topics: new Map(),
  topicNameById: new Map(),
};

/**
 * The Type field of UpdateMetadata and LeaderAndIsr (KIP-866): FULL means that what is not mentioned does not exist.
 */
export const CONTROL_REQUEST_TYPE = { UNKNOWN: 0, INCREMENTAL: 1, FULL: 2 } as const;

/** What of an UpdateMetadata request (v8) matters here; a decoded request fits. */
export interface UpdateMetadataContent {
  readonly controllerId: number;
  readonly controllerEpoch: number;
  readonly type: number;
  readonly topicStates: readonly {
    readonly topicName: string;
    readonly topicId: TopicId;
    readonly partitionStates: readonly {
      readonly partitionIndex: number;
      readonly controllerEpoch: number;
      readonly leader: number;
      readonly leaderEpoch: number;
      readonly isr: readonly number[];
      readonly zkVersion: number;
      readonly replicas: readonly number[];
      readonly offlineReplicas: readonly number[];
    }[];
  }[];
  readonly liveBrokers: readonly {
    readonly id: number;
    readonly endpoints: readonly {
      readonly host: string;
      readonly port: number;
      readonly listener: string;
      readonly securityProtocol: number;
    }[];
    readonly rack: string | null;
  }[];
}

/** What an update did, for those who wait for it. */
export interface MetadataChange {
  readonly image: MetadataImage;
  /** Topics with a partition that was added, changed or removed. */
  readonly changedTopics: ReadonlySet<string>;
  readonly deletedPartitions: readonly TopicPartition[];
}

/**
 * The image after the request. INCREMENTAL and UNKNOWN merge the partitions they mention; FULL replaces all topics.
 * The brokers are always replaced: every UpdateMetadata carries all that are alive.
 */
export function applyUpdateMetadata(image: MetadataImage, request: UpdateMetadataContent): MetadataChange {
  const brokers = new Map(request.liveBrokers.map((broker) => [broker.id, brokerInfo(broker)]));
  const { controllerId, controllerEpoch } = request;
  const isFull = request.type === CONTROL_REQUEST_TYPE.FULL;
  if (!isFull && request.topicStates.length === 0)
    return {
      image: { ...image, controllerId, controllerEpoch, brokers },
      changedTopics: new Set(),
      deletedPartitions: [],
    };
  const draft = new TopicsDraft(image);
  if (isFull) draft.dropAllBut(request);
  for (const { topicName, topicId, partitionStates } of request.topicStates) {
    for (const state of partitionStates)
      if (state.leader === LEADER_DURING_DELETE) draft.remove(topicName, state.partitionIndex);
      else draft.put(topicName, topicId, partitionImage(state));
  }
  const { topics, topicNameById } = draft;
  return {
    image: { controllerId, controllerEpoch, brokers, topics, topicNameById },
    changedTopics: draft.changedTopics,
    deletedPartitions: [...draft.deleted.values()],
  };
}

/** Topics under change: copies a topic's partitions once, when it is first touched. */
class TopicsDraft {
  readonly topics: Map<string, TopicImage>;
  readonly topicNameById: Map<TopicId, string>;
  readonly changedTopics = new Set<string>();
  readonly deleted = new Map<string, TopicPartition>();
  readonly #copies = new Map<string, Map<number, PartitionImage>>();

  constructor(image: MetadataImage) {
    this.topics = new Map(image.topics);
    this.topicNameById = new Map(image.topicNameById);
  }

  /** Removes what a FULL request does not mention, and topics that it mentions under another id. */
  dropAllBut(request: UpdateMetadataContent): void {
    const mentioned = new Map(request.topicStates.map((topic) => [topic.topicName, topic]));
    for (const [topic, { topicId, partitions }] of [...this.topics]) {
      const state = mentioned.get(topic);
      const isSame = state !== undefined && state.topicId === topicId;
      const kept = new Set(isSame ? state.partitionStates.map(({ partitionIndex }) => partitionIndex) : []);
      for (const partition of partitions.keys()) if (!kept.has(partition)) this.remove(topic, partition);
    }
  }

  put(topic: string, topicId: TopicId, partition: PartitionImage): void {
    const known = this.topics.get(topic);
    const isSameTopic = known !== undefined && (known.topicId === topicId || topicId === ZERO_TOPIC_ID);
    const partitions = this.#partitionsOf(topic, isSameTopic ? known : undefined);
    partitions.set(partition.partition, partition);
    if (!isSameTopic) {
      if (known !== undefined) this.topicNameById.delete(known.topicId);
      this.topics.set(topic, { topicId, partitions });
      if (topicId !== ZERO_TOPIC_ID) this.topicNameById.set(topicId, topic);
    }
    this.changedTopics.add(topic);
    this.deleted.delete(`${topic}-${partition.partition}`);
  }

  remove(topic: string, partition: number): void {
    const known = this.topics.get(topic);
    if (known === undefined) return;
    const partitions = this.#partitionsOf(topic, known);
    if (!partitions.delete(partition)) return;
    this.changedTopics.add(topic);
    this.deleted.set(`${topic}-${partition}`, { topic, partition });
    if (partitions.size > 0) return;
    this.topics.delete(topic);
    this.topicNameById.delete(known.topicId);
    this.#copies.delete(topic);
  }

  #partitionsOf(topic: string, known: TopicImage | undefined): Map<number, PartitionImage> {
    const copy = this.#copies.get(topic);
    if (copy !== undefined && known !== undefined) return copy;
    const partitions = new Map(known?.partitions ?? []);
    this.#copies.set(topic, partitions);
    if (known !== undefined) this.topics.set(topic, { topicId: known.topicId, partitions });
    return partitions;
  }
}

function partitionImage(
  state: UpdateMetadataContent['topicStates'][number]['partitionStates'][number],
): PartitionImage {
  return {
    partition: state.partitionIndex,
    leader: state.leader,
    leaderEpoch: state.leaderEpoch,
    isr: state.isr,
    replicas: state.replicas,
    offlineReplicas: state.offlineReplicas,
    controllerEpoch: state.controllerEpoch,
    partitionEpoch: state.zkVersion,
  };
}

function brokerInfo(broker: UpdateMetadataContent['liveBrokers'][number]): BrokerInfo {
  return {
    brokerId: broker.id,
    brokerEpoch: -1,
    rack: broker.rack,
    endpoints: broker.endpoints.map(
      ({ host, port, listener, securityProtocol }): Endpoint => ({
        host,
        port,
        listenerName: listener,
        securityProtocol: securityProtocolOf(securityProtocol),
      }),
    ),
  };
}

function securityProtocolOf(id: number): SecurityProtocol {
  const names = Object.keys(SECURITY_PROTOCOL_IDS) as SecurityProtocol[];
  return names.find((name) => SECURITY_PROTOCOL_IDS[name] === id) ?? 'PLAINTEXT';
}
