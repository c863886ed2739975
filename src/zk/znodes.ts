/**
 * @pure Everything that Barnabas keeps in ZooKeeper: one entry per kind of znode, saying where it lives and what its
 * bytes mean. Paths and JSON are those of Apache Kafka 3.9 in ZooKeeper mode (kafka.zk.ZkData), so that Kafka's tools
 * read our tree and we read theirs. `decode` accepts every version that Kafka 3.9 reads, ignores keys it does not know
 * and throws a ZnodeFormatError for anything else; it never trusts that a znode has data.
 */
import type { BrokerInfo, Endpoint, SecurityProtocol } from '../model/broker.ts';
import { SECURITY_PROTOCOL_IDS } from '../model/broker.ts';
import type { LeaderAndIsr } from '../model/leader-and-isr.ts';
import { LeaderRecoveryState } from '../model/leader-and-isr.ts';
import type { TopicId, TopicPartition } from '../model/topic-partition.ts';
import { encodeJson, ZnodeFormatError, ZnodeJson } from './znode-json.ts';

/**
 * What a partition's replicas are, and which of them a reassignment is adding or taking away (Kafka's
 * ReplicaAssignment).
 */
export interface ReplicaAssignment {
  /** The first one is the preferred leader. */
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}

export interface TopicAssignment {
  readonly topic: string;
  /** Null for a topic that was made before Kafka 2.8. */
  readonly topicId: TopicId | null;
  readonly assignment: ReadonlyMap<number, ReplicaAssignment>;
}

export type PartitionState = LeaderAndIsr & { readonly controllerEpoch: number };
export type BrokerRegistration = Omit<BrokerInfo, 'brokerId' | 'brokerEpoch'>;
export type ConfigType = 'topics' | 'brokers' | 'users' | 'clients' | 'ips';
export interface ConfigEntity {
  readonly type: string;
  /** The part below the type: a name, `<default>`, or `user/clients/client`. */
  readonly name: string;
}
export interface ProducerIdBlock {
  readonly brokerId: number;
  readonly firstProducerId: number;
  /** Inclusive. */
  readonly lastProducerId: number;
}

/** Made by every broker at its start, with null data, when they are missing (kafka.zk.ZkData.PersistentZkPaths). */
export const PERSISTENT_PATHS: readonly string[] = [
  '/consumers',
  '/brokers/ids',
  '/brokers/topics',
  '/config/changes',
  '/admin/delete_topics',
  '/brokers/seqid',
  '/isr_change_notification',
  '/latest_producer_id_block',
  '/log_dir_event_notification',
  '/config/topics',
  '/config/clients',
  '/config/users',
  '/config/brokers',
  '/config/ips',
];

/** The id of the cluster: 16 random bytes as 22 characters. Written once by the first broker. */
export const ClusterIdZnode = {
  path: '/cluster/id',
  encode: (clusterId: string): Buffer => encodeJson({ version: '1', id: clusterId }),
  decode: (bytes: Buffer | null): string => ZnodeJson.parse('/cluster/id', bytes).string('id'),
};

export const BrokerIdsZnode = { path: '/brokers/ids' };

/** The registration of a living broker: ephemeral; its czxid is the broker epoch. */
export const BrokerIdZnode = {
  path: (brokerId: number): string => `/brokers/ids/${brokerId}`,
  encode: (broker: BrokerRegistration, timestampMs: number): Buffer => {
    // Clients older than listeners know one host and port, and only plain text.
    const plaintext = broker.endpoints.find((endpoint) => endpoint.securityProtocol === 'PLAINTEXT');
    return encodeJson({
      version: 5,
      host: plaintext?.host ?? null,
      port: plaintext?.port ?? -1,
      jmx_port: -1,
      timestamp: String(timestampMs),
      endpoints: broker.endpoints.map(formatEndpoint),
      listener_security_protocol_map: Object.fromEntries(
        broker.endpoints.map((endpoint) => [endpoint.listenerName, endpoint.securityProtocol]),
      ),
      features: {},
      ...(broker.rack === null ? {} : { rack: broker.rack }),
    });
  },
  decode: (brokerId: number, bytes: Buffer | null, brokerEpoch: number): BrokerInfo => {
    const json = ZnodeJson.parse(BrokerIdZnode.path(brokerId), bytes);
    const version = json.int('version');
    if (version < 1) json.refuse('unsupported version of broker registration');
    return { brokerId, brokerEpoch, endpoints: readEndpoints(json, version), rack: json.optionalString('rack') };
  },
};

function formatEndpoint({ listenerName, host, port }: Endpoint): string {
  return `${listenerName}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function readEndpoints(json: ZnodeJson, version: number): Endpoint[] {
  if (version === 1)
    return [
      { listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: json.string('host'), port: json.int('port') },
    ];
  const protocols = json.stringMap('listener_security_protocol_map');
  return json.strings('endpoints').map((text) => {
    const [, name = '', host = '', port = ''] =
      /^([^:/]+):\/\/\[?([\w.\-%:]*?)\]?:(-?\d+)$/.exec(text) ?? json.refuse(`bad endpoint ${text}`);
    const listenerName = name.toUpperCase();
    // Kafka's default map has a listener for each protocol, of the same name.
    const protocol = protocols.get(name) ?? listenerName;
    if (!Object.hasOwn(SECURITY_PROTOCOL_IDS, protocol)) json.refuse(`no security protocol for listener ${name}`);
    return { listenerName, securityProtocol: protocol as SecurityProtocol, host, port: Number(port) };
  });
}

/** Generated broker ids: the znode's version counts them. */
export const BrokerSequenceIdZnode = { path: '/brokers/seqid' };

export const TopicsZnode = { path: '/brokers/topics' };

/** A topic: its id and who holds its partitions. */
export const TopicZnode = {
  path: (topic: string): string => `/brokers/topics/${topic}`,
  encode: ({ topicId, assignment }: Omit<TopicAssignment, 'topic'>): Buffer => {
    const partitions = [...assignment].sort(([a], [b]) => a - b);
    const lists = (key: keyof ReplicaAssignment, withEmpty: boolean) =>
      Object.fromEntries(
        partitions.filter(([, replicas]) => withEmpty || replicas[key].length > 0).map(([p, r]) => [p, r[key]]),
      );
    return encodeJson({
      version: topicId === null ? 2 : 3,
      ...(topicId === null ? {} : { topic_id: topicId }),
      partitions: lists('replicas', true),
      adding_replicas: lists('addingReplicas', false),
      removing_replicas: lists('removingReplicas', false),
    });
  },
  decode: (topic: string, bytes: Buffer | null): TopicAssignment => {
    const json = ZnodeJson.parse(TopicZnode.path(topic), bytes);
    const adding = json.intsByPartition('adding_replicas');
    const removing = json.intsByPartition('removing_replicas');
    const assignment = new Map<number, ReplicaAssignment>();
    for (const [partition, replicas] of json.intsByPartition('partitions'))
      assignment.set(partition, {
        replicas,
        addingReplicas: adding.get(partition) ?? [],
        removingReplicas: removing.get(partition) ?? [],
      });
    return { topic, topicId: json.optionalString('topic_id'), assignment };
  },
};

export const TopicPartitionsZnode = { path: (topic: string): string => `/brokers/topics/${topic}/partitions` };
export const TopicPartitionZnode = {
  path: (topic: string, partition: number): string => `${TopicPartitionsZnode.path(topic)}/${partition}`,
};

/** Who leads a partition. The znode's version is the partition epoch; it is 0 after creation. */
export const TopicPartitionStateZnode = {
  path: (topic: string, partition: number): string => `${TopicPartitionZnode.path(topic, partition)}/state`,
  encode: (state: Omit<PartitionState, 'partitionEpoch'>): Buffer =>
    encodeJson({
      controller_epoch: state.controllerEpoch,
      leader: state.leader,
      version: 1,
      leader_epoch: state.leaderEpoch,
      isr: state.isr,
      ...(state.leaderRecoveryState === LeaderRecoveryState.RECOVERED
        ? {}
        : { leader_recovery_state: state.leaderRecoveryState }),
    }),
  decode: (topic: string, partition: number, bytes: Buffer | null, znodeVersion: number): PartitionState => {
    const json = ZnodeJson.parse(TopicPartitionStateZnode.path(topic, partition), bytes);
    const recovery = json.optionalInt('leader_recovery_state') ?? LeaderRecoveryState.RECOVERED;
    if (recovery !== LeaderRecoveryState.RECOVERED && recovery !== LeaderRecoveryState.RECOVERING)
      return json.refuse('unknown leader_recovery_state');
    return {
      leader: json.int('leader'),
      leaderEpoch: json.int('leader_epoch'),
      isr: json.ints('isr'),
      leaderRecoveryState: recovery,
      partitionEpoch: znodeVersion,
      controllerEpoch: json.int('controller_epoch'),
    };
  },
};

/** Who is the controller: ephemeral. */
export const ControllerZnode = {
  path: '/controller',
  encode: (brokerId: number, timestampMs: number): Buffer =>
    encodeJson({ version: 2, brokerid: brokerId, timestamp: String(timestampMs), kraftControllerEpoch: -1 }),
  decode: (bytes: Buffer | null): number => ZnodeJson.parse('/controller', bytes).int('brokerid'),
};

/** How many elections there have been. Its znode version fences the controller's writes. */
export const ControllerEpochZnode = {
  path: '/controller_epoch',
  encode: (epoch: number): Buffer => Buffer.from(String(epoch)),
  decode: (bytes: Buffer | null): number => {
    const text = bytes?.toString('utf8').trim() ?? '';
    if (!/^\d{1,10}$/.test(text)) throw new ZnodeFormatError('/controller_epoch', 'not a number', bytes);
    return Number(text);
  },
};

export const DeleteTopicsZnode = { path: '/admin/delete_topics' };
export const DeleteTopicsTopicZnode = { path: (topic: string): string => `/admin/delete_topics/${topic}` };

/** Kafka's old trigger of a reassignment. */
export const ReassignPartitionsZnode = {
  path: '/admin/reassign_partitions',
  encode: (reassignments: readonly (TopicPartition & { replicas: readonly number[] })[]): Buffer =>
    encodeJson({
      version: 1,
      partitions: reassignments.map(({ topic, partition, replicas }) => ({ topic, partition, replicas })),
    }),
  decode: (bytes: Buffer | null): (TopicPartition & { replicas: number[] })[] =>
    ZnodeJson.parse('/admin/reassign_partitions', bytes)
      .objects('partitions')
      .map((p) => ({ topic: p.string('topic'), partition: p.int('partition'), replicas: p.ints('replicas') })),
};

/** Kafka's old trigger of preferred leader elections. */
export const PreferredReplicaElectionZnode = {
  path: '/admin/preferred_replica_election',
  encode: (partitions: readonly TopicPartition[]): Buffer => encodePartitions(partitions),
  decode: (bytes: Buffer | null): TopicPartition[] =>
    decodePartitions(ZnodeJson.parse('/admin/preferred_replica_election', bytes)),
};

/** Isr changes that a leader older than Kafka 2.7 wrote by itself. */
export const IsrChangeNotificationZnode = {
  path: '/isr_change_notification',
  prefix: 'isr_change_',
  encode: (partitions: readonly TopicPartition[]): Buffer => encodePartitions(partitions),
  decode: (bytes: Buffer | null): TopicPartition[] =>
    decodePartitions(ZnodeJson.parse('/isr_change_notification', bytes)),
};

function encodePartitions(partitions: readonly TopicPartition[]): Buffer {
  return encodeJson({ version: 1, partitions: partitions.map(({ topic, partition }) => ({ topic, partition })) });
}

function decodePartitions(json: ZnodeJson): TopicPartition[] {
  return json.objects('partitions').map((p) => ({ topic: p.string('topic'), partition: p.int('partition') }));
}

/** A broker tells the controller that one of its log directories failed. */
export const LogDirEventNotificationZnode = {
  path: '/log_dir_event_notification',
  prefix: 'log_dir_event_',
  encode: (brokerId: number): Buffer => encodeJson({ version: 1, broker: brokerId, event: 1 }),
  /** The broker, or null for an event of a kind that does not exist. */
  decode: (bytes: Buffer | null): number | null => {
    const json = ZnodeJson.parse('/log_dir_event_notification', bytes);
    return json.int('event') === 1 ? json.int('broker') : null;
  },
};

export const ConfigTypeZnode = { path: (type: ConfigType): string => `/config/${type}` };

/** Overrides of one entity's configuration. A missing znode and one without data mean: none. */
export const ConfigZnode = {
  path: (type: ConfigType, name: string): string => `/config/${type}/${name}`,
  encode: (config: ReadonlyMap<string, string>): Buffer =>
    encodeJson({ version: 1, config: Object.fromEntries(config) }),
  decode: (type: ConfigType, name: string, bytes: Buffer | null): Map<string, string> =>
    bytes === null || bytes.length === 0
      ? new Map()
      : ZnodeJson.parse(ConfigZnode.path(type, name), bytes).stringMap('config'),
};

/** "Read that entity's configuration again", for every broker; sequential, kept for 15 minutes. */
export const ConfigChangeNotificationZnode = {
  path: '/config/changes',
  prefix: 'config_change_',
  encode: ({ type, name }: ConfigEntity): Buffer => encodeJson({ version: 2, entity_path: `${type}/${name}` }),
  decode: (bytes: Buffer | null): ConfigEntity => {
    const json = ZnodeJson.parse('/config/changes', bytes);
    const version = json.int('version');
    if (version === 1) return { type: json.string('entity_type'), name: json.string('entity_name') };
    if (version !== 2) json.refuse('unsupported version of config change notification');
    const path = json.string('entity_path');
    const slash = path.indexOf('/');
    if (slash <= 0 || slash === path.length - 1) json.refuse('entity_path must be type/name');
    return { type: path.slice(0, slash), name: path.slice(slash + 1) };
  },
};

/** The last block of producer ids that was given out. Null data means: none yet. */
export const ProducerIdBlockZnode = {
  path: '/latest_producer_id_block',
  encode: (block: ProducerIdBlock): Buffer =>
    encodeJson({
      version: 1,
      broker: block.brokerId,
      block_start: String(block.firstProducerId),
      block_end: String(block.lastProducerId),
    }),
  decode: (bytes: Buffer | null): ProducerIdBlock | null => {
    if (bytes === null || bytes.length === 0) return null;
    const json = ZnodeJson.parse('/latest_producer_id_block', bytes);
    return {
      brokerId: json.int('broker'),
      firstProducerId: json.decimal('block_start'),
      lastProducerId: json.decimal('block_end'),
    };
  },
};

/** The finalized features of the cluster (KIP-584); status 1 means that versioning is on. */
export const FeatureZnode = {
  path: '/feature',
  encode: (features: ReadonlyMap<string, number>): Buffer =>
    encodeJson({
      version: 2,
      status: 1,
      features: Object.fromEntries([...features].map(([name, level]) => [name, { max_version_level: level }])),
    }),
  decode: (bytes: Buffer | null): { status: number; features: Map<string, number> } => {
    const json = ZnodeJson.parse('/feature', bytes);
    const features = new Map<string, number>();
    const levels = json.optionalObject('features');
    for (const name of levels?.names() ?? [])
      features.set(name, levels?.optionalObject(name)?.int('max_version_level') ?? json.refuse(`bad feature ${name}`));
    return { status: json.int('status'), features };
  },
};

/** The number at the end of a sequential znode's name; null for a name of another kind. */
export function sequenceNumber(name: string, prefix: string): number | null {
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^-?\d{1,10}$/.test(digits) ? Number(digits) : null;
}

/** What a consumer of before Kafka 0.9 has read: the offset in digits. */
export const ConsumerOffsetZnode = {
  path: (groupId: string, topic: string, partition: number): string =>
    `/consumers/${groupId}/offsets/${topic}/${partition}`,
  encode: (offset: number): Buffer => Buffer.from(String(offset)),
  /** Null while it has only been made. */
  decode: (groupId: string, topic: string, partition: number, bytes: Buffer | null): number | null => {
    if (bytes === null || bytes.length === 0) return null;
    const offset = Number(bytes.toString('utf8'));
    if (Number.isSafeInteger(offset)) return offset;
    throw new ZnodeFormatError(ConsumerOffsetZnode.path(groupId, topic, partition), 'no offset', bytes);
  },
};
