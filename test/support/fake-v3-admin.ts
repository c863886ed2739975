/** A cluster of three brokers as the API v3 asks it: what it has are fields that tests set. */
import { ApiError } from '../../src/client/api-error.ts';
import type {
  AlterationResult,
  ConfigAlteration,
  ConfigEntry,
  ConfigResource,
  DescribedConfigs,
} from '../../src/client/config-admin.ts';
import type { TopicPartition } from '../../src/model/topic-partition.ts';
import type {
  ClusterBroker,
  ClusterDescription,
  GroupDescription,
  GroupMember,
  GroupOffsets,
  NewTopic,
  PartitionOffsets,
  TopicDescription,
  V3Admin,
} from '../../src/rest/v3-admin.ts';

export class FakeV3Admin implements V3Admin {
  controllerId: number | null = 1;
  brokers: ClusterBroker[] = [1, 2, 3].map((id) => ({ id, host: 'localhost', port: 9090 + id, rack: null }));
  readonly topicsByName = new Map<string, TopicDescription>();
  /** By `TOPIC name`, `BROKER 1`, `BROKER `. */
  readonly configsByOwner = new Map<string, ConfigEntry[]>();
  readonly groupsById = new Map<string, GroupDescription>();
  readonly offsetsByGroup = new Map<string, GroupOffsets[]>();
  readonly created: NewTopic[] = [];
  readonly alterations: { readonly alterations: readonly ConfigAlteration[]; readonly validateOnly: boolean }[] = [];
  /** What comes of the next alteration of a resource, by its name. */
  readonly failures = new Map<string, ApiError>();
  /** How often something was asked. */
  questions = 0;

  async describeCluster(): Promise<ClusterDescription> {
    this.questions++;
    return { controllerId: this.controllerId, brokers: this.brokers };
  }

  async topics(): Promise<TopicDescription[]> {
    this.questions++;
    return [...this.topicsByName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async topic(name: string): Promise<TopicDescription> {
    this.questions++;
    const topic = this.topicsByName.get(name);
    if (topic === undefined) throw ApiError.named('UNKNOWN_TOPIC_OR_PARTITION');
    return topic;
  }

  async createTopic(topic: NewTopic): Promise<{ partitionsCount: number; replicationFactor: number }> {
    if (this.topicsByName.has(topic.name)) throw existing(topic.name);
    this.created.push(topic);
    const size = {
      partitionsCount: topic.replicas.size || (topic.partitionsCount ?? 1),
      replicationFactor: topic.replicas.values().next().value?.length ?? topic.replicationFactor ?? 1,
    };
    if (!topic.validateOnly) this.topicsByName.set(topic.name, topicOf(topic.name, size.partitionsCount));
    return size;
  }

  async createPartitions(topic: string, count: number): Promise<void> {
    await this.topic(topic);
    this.topicsByName.set(topic, topicOf(topic, count));
  }

  async deleteTopic(name: string): Promise<void> {
    await this.topic(name);
    this.topicsByName.delete(name);
  }

  async partitionOffsets({ partition }: TopicPartition): Promise<PartitionOffsets> {
    return { earliest: partition, latest: 100 + partition };
  }

  async configs(resources: readonly ConfigResource[]): Promise<DescribedConfigs[]> {
    this.questions++;
    return resources.map((resource) => {
      const entries = this.configsByOwner.get(`${resource.type} ${resource.name}`);
      const failure = entries === undefined ? ApiError.named('UNKNOWN_TOPIC_OR_PARTITION') : null;
      return { resource, entries: entries ?? [], failure };
    });
  }

  async alterConfigs(alterations: readonly ConfigAlteration[], validateOnly: boolean): Promise<AlterationResult[]> {
    this.alterations.push({ alterations, validateOnly });
    return alterations.map(({ type, name }) => ({
      resource: { type, name },
      failure: this.failures.get(name) ?? null,
    }));
  }

  async groupIds(): Promise<string[]> {
    this.questions++;
    return [...this.groupsById.keys()].sort();
  }

  async groups(groupIds: readonly string[]): Promise<GroupDescription[]> {
    this.questions++;
    return groupIds.flatMap((groupId) => this.groupsById.get(groupId) ?? []);
  }

  async groupOffsets(groupId: string): Promise<GroupOffsets[]> {
    return this.offsetsByGroup.get(groupId) ?? [];
  }

  addTopic(topic: TopicDescription): void {
    this.topicsByName.set(topic.name, topic);
  }
}

/** Three replicas each, led by the brokers in turn. */
export function topicOf(name: string, partitionCount: number): TopicDescription {
  const partitions = Array.from({ length: partitionCount }, (_, partition) => {
    const replicas = [0, 1, 2].map((shift) => ((partition + shift) % 3) + 1);
    return { partition, leader: replicas[0] ?? -1, replicas, isr: replicas };
  });
  return { name, isInternal: false, partitions, authorizedOperations: (1 << 3) | (1 << 8) };
}

export function entryOf(name: string, value: string | null, more: Partial<ConfigEntry> = {}): ConfigEntry {
  return {
    name,
    value,
    source: 'DEFAULT_CONFIG',
    isDefault: true,
    isReadOnly: false,
    isSensitive: false,
    type: 'STRING',
    documentation: null,
    synonyms: [{ name, value, source: 'DEFAULT_CONFIG' }],
    ...more,
  };
}

export function memberOf(consumerId: string, topic: string, ...partitions: number[]): GroupMember {
  return {
    consumerId,
    groupInstanceId: '',
    clientId: `client of ${consumerId}`,
    isUpgraded: null,
    partitions: partitions.map((partition) => ({ topic, partition })),
  };
}

export function groupOf(groupId: string, ...members: GroupMember[]): GroupDescription {
  const kind = { state: 'Stable', type: 'Classic', isSimple: false, assignor: 'range' } as const;
  return { groupId, ...kind, coordinatorId: 2, members };
}

function existing(name: string): ApiError {
  return ApiError.of(36, `Topic '${name}' already exists.`);
}
