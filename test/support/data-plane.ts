/**
 * One broker's data plane for tests: real logs on a disk in memory, real partitions and sessions behind the real
 * dispatch. The controller, the other brokers and the clock are the test.
 */
import { FetchSessionCache } from '../../src/broker/fetch-session.ts';
import { produce } from '../../src/broker/handlers/00-produce.ts';
import { fetch } from '../../src/broker/handlers/01-fetch.ts';
import { listOffsets } from '../../src/broker/handlers/02-list-offsets.ts';
import { leaderAndIsr } from '../../src/broker/handlers/04-leader-and-isr.ts';
import { stopReplica } from '../../src/broker/handlers/05-stop-replica.ts';
import { updateMetadata } from '../../src/broker/handlers/06-update-metadata.ts';
import { deleteRecords } from '../../src/broker/handlers/21-delete-records.ts';
import { offsetForLeaderEpoch } from '../../src/broker/handlers/23-offset-for-leader-epoch.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { LogConfig } from '../../src/log/log-config.ts';
import type { LogManager } from '../../src/log/log-manager.ts';
import { MetadataCache } from '../../src/metadata/metadata-cache.ts';
import { Fetch } from '../../src/protocol/messages/01-fetch.ts';
import { LeaderAndIsr } from '../../src/protocol/messages/04-leader-and-isr.ts';
import { StopReplica } from '../../src/protocol/messages/05-stop-replica.ts';
import { UpdateMetadata } from '../../src/protocol/messages/06-update-metadata.ts';
import { Produce } from '../../src/protocol/messages/00-produce.ts';
import { errorName } from '../../src/protocol/errors.ts';
import type { RequestIn, ResponseOut } from '../../src/protocol/schema.ts';
import type { IsrChange } from '../../src/replica/isr-store.ts';
import type { Partition } from '../../src/replica/partition.ts';
import { Partitions } from '../../src/replica/partitions.ts';
import { CrashDisk } from './crash-disk.ts';
import { aBatch, aLogConfig, loadManager, TOPIC_ID } from './logs.ts';
import { ManualClock } from './manual-clock.ts';
import { aConnection, brokerWith, type Desk, deskOf } from './requests.ts';

export { TOPIC_ID };
export const TOPIC = 'orders';
const SELF = 1;
const HANDLERS = [
  produce,
  fetch,
  listOffsets,
  leaderAndIsr,
  stopReplica,
  updateMetadata,
  deleteRecords,
  offsetForLeaderEpoch,
] as const;

const SETTINGS = {
  replicaLagTimeMaxMs: 30_000,
  numReplicaFetchers: 1,
  replicaFetchWaitMaxMs: 500,
  replicaFetchMinBytes: 1,
  replicaFetchMaxBytes: 1_048_576,
  replicaFetchResponseMaxBytes: 10_485_760,
  replicaFetchBackoffMs: 1000,
  replicaSocketTimeoutMs: 30_000,
};

export interface Role {
  readonly partition?: number;
  readonly topic?: string;
  readonly topicId?: string;
  readonly leader?: number;
  readonly leaderEpoch?: number;
  readonly isr?: readonly number[];
  readonly partitionEpoch?: number;
  readonly replicas?: readonly number[];
  readonly isNew?: boolean;
}

export interface FetchWish {
  readonly topicId?: string;
  readonly partition?: number;
  readonly fetchOffset?: number;
  readonly currentLeaderEpoch?: number;
  readonly lastFetchedEpoch?: number;
  readonly partitionMaxBytes?: number;
  readonly logStartOffset?: number;
}

export type FetchedPartition = ResponseOut<typeof Fetch>['responses'][number]['partitions'][number];

export class DataPlane {
  readonly clock = new ManualClock();
  readonly metadata = new MetadataCache();
  readonly sessions: FetchSessionCache;
  readonly partitions: Partitions;
  readonly logs: LogManager;
  readonly desk: Desk;
  /** What leaders asked of the controller. */
  readonly isrChanges: IsrChange[] = [];
  /** Leaders that fetchers wanted a connection to. */
  readonly connects: number[] = [];
  readonly loadedTopics: string[] = [];
  config: LogConfig;
  brokerEpoch = 100;
  /** Null: long since registered. */
  registration: Promise<void> | null = null;
  /** Called when topic configs are loaded; the order waits for it. */
  onLoad: () => Promise<void> = () => Promise.resolve();
  /** Topics whose settings make no sense. */
  readonly topicsWithoutConfig = new Set<string>();

  static async open(config: Partial<LogConfig> = {}, disk = new CrashDisk()): Promise<DataPlane> {
    const clock = new ManualClock();
    return new DataPlane(await loadManager({ disk, clock }), aLogConfig(config));
  }

  constructor(logs: LogManager, config: LogConfig) {
    this.logs = logs;
    this.config = config;
    let nextId = 0;
    this.sessions = new FetchSessionCache(1000, () => nextId++);
    this.partitions = new Partitions({
      brokerId: SELF,
      settings: SETTINGS,
      clock: this.clock,
      logger: silentLogger,
      metadata: this.metadata,
      logs: {
        get: (topic, partition) => logs.get(topic, partition),
        getOrCreate: (topic, partition, topicId, isNew) =>
          logs.getOrCreate(topic, partition, topicId, this.config, { isNew }),
        delete: (topic, partition) => logs.delete(topic, partition),
        all: () => logs.all(),
        setAside: (topic, partition) => logs.setAside(topic, partition),
      },
      isrStore: { propose: (change) => this.isrChanges.push(change) },
      brokerEpoch: () => this.brokerEpoch,
      connect: (leaderId) => {
        this.connects.push(leaderId);
        return null;
      },
      loadTopicConfigs: async (topics) => {
        this.loadedTopics.push(...topics);
        await this.onLoad();
        return this.topicsWithoutConfig;
      },
    });
    logs.onOffline(() => this.partitions.onLogDirectoryFailed());
    const broker = brokerWith({
      clock: this.clock,
      metadata: this.metadata,
      replicas: this.partitions,
      fetchSessions: this.sessions,
      logs,
      whenRegistered: () => this.registration,
    });
    Object.assign(broker, { config: { fetchMaxBytes: 57_671_680 } });
    this.desk = deskOf(HANDLERS, broker);
  }

  /**
   * LeaderAndIsr for some partitions, each by itself the leader of epoch 1 unless said otherwise. Returns their
   * errors.
   */
  async order(roles: readonly Role[], request: Partial<RequestIn<typeof LeaderAndIsr>> = {}): Promise<string[]> {
    const topics = new Map<string, Role[]>();
    for (const role of roles) {
      const key = role.topic ?? TOPIC;
      topics.set(key, [...(topics.get(key) ?? []), role]);
    }
    const response = await this.desk.ask(LeaderAndIsr, 7, {
      controllerId: 9,
      controllerEpoch: 1,
      brokerEpoch: this.brokerEpoch,
      type: 1,
      liveLeaders: [],
      topicStates: [...topics].map(([topicName, ofTopic]) => ({
        topicName,
        topicId: ofTopic[0]?.topicId ?? TOPIC_ID,
        partitionStates: ofTopic.map((role) => ({
          partitionIndex: role.partition ?? 0,
          controllerEpoch: 1,
          leader: role.leader ?? SELF,
          leaderEpoch: role.leaderEpoch ?? 1,
          isr: [...(role.isr ?? [SELF])],
          partitionEpoch: role.partitionEpoch ?? 0,
          replicas: [...(role.replicas ?? role.isr ?? [SELF])],
          isNew: role.isNew ?? false,
        })),
      })),
      ...request,
    });
    if (response === null) throw new Error('no response');
    if (response.errorCode !== 0) return [errorName(response.errorCode)];
    return response.topics.flatMap(({ partitionErrors }) =>
      partitionErrors.map(({ errorCode }) => errorName(errorCode)),
    );
  }

  /** UpdateMetadata with these partitions of the topic and brokers 1, 2 and 3. */
  async announce(
    roles: readonly Role[] = [{}],
    request: Partial<RequestIn<typeof UpdateMetadata>> = {},
  ): Promise<string> {
    const response = await this.desk.ask(UpdateMetadata, 8, {
      controllerId: 9,
      controllerEpoch: 1,
      brokerEpoch: this.brokerEpoch,
      topicStates: roles.map((role) => ({
        topicName: role.topic ?? TOPIC,
        topicId: role.topicId ?? TOPIC_ID,
        partitionStates: [
          {
            partitionIndex: role.partition ?? 0,
            controllerEpoch: 1,
            leader: role.leader ?? SELF,
            leaderEpoch: role.leaderEpoch ?? 1,
            isr: [...(role.isr ?? [SELF])],
            zkVersion: role.partitionEpoch ?? 0,
            replicas: [...(role.replicas ?? role.isr ?? [SELF])],
          },
        ],
      })),
      liveBrokers: [1, 2, 3].map((id) => ({
        id,
        rack: null,
        endpoints: [{ host: `h${id}`, port: 9090 + id, listener: 'PLAINTEXT', securityProtocol: 0 }],
      })),
      ...request,
    });
    return errorName(response?.errorCode ?? -1);
  }

  /** Leads partitions of the topic, and everybody knows. */
  async lead(...roles: Role[]): Promise<Partition> {
    const wanted = roles.length === 0 ? [{}] : roles;
    await this.order(wanted);
    await this.announce(wanted);
    return this.partition(wanted[0]?.partition ?? 0);
  }

  async stop(
    partition: number,
    leaderEpoch: number,
    deletePartition: boolean,
    request: Partial<RequestIn<typeof StopReplica>> = {},
  ): Promise<string> {
    const partitionStates = [{ partitionIndex: partition, leaderEpoch, deletePartition }];
    const response = await this.desk.ask(StopReplica, 4, {
      controllerId: 9,
      controllerEpoch: 1,
      brokerEpoch: this.brokerEpoch,
      topicStates: [{ topicName: TOPIC, partitionStates }],
      ...request,
    });
    if (response === null) throw new Error('no response');
    return errorName(response.errorCode !== 0 ? response.errorCode : (response.partitionErrors[0]?.errorCode ?? -1));
  }

  partition(index = 0): Partition {
    const found = this.partitions.find(TOPIC, index);
    if (typeof found === 'string') throw new Error(`${TOPIC}-${index}: ${found}`);
    return found;
  }

  /** Values into the log, one batch each, as a leader with acks=1. */
  append(values: readonly string[], partition = 0): void {
    for (const value of values)
      this.partition(partition).append(aBatch({ values: [value] }), 1, 'client', this.clock.nowMs());
  }

  /** A Produce of one batch. */
  async produce(
    records: Buffer | null,
    {
      acks = 1,
      version = 11,
      partition = 0,
      topic = TOPIC,
      timeoutMs = 1000,
      transactionalId = null as string | null,
    } = {},
  ): Promise<ResponseOut<typeof Produce>['responses'][number]['partitionResponses'][number] | null> {
    const request = {
      ...(version >= 3 && { transactionalId }),
      acks,
      timeoutMs,
      topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
    };
    const response = await this.desk.ask(Produce, version, request);
    return response?.responses[0]?.partitionResponses[0] ?? null;
  }

  /** A Fetch v17 (by topic id) with the defaults of a patient consumer. */
  fetch(
    wishes: readonly FetchWish[],
    request: Partial<RequestIn<typeof Fetch>> = {},
    version = 17,
    connection = aConnection(),
  ): Promise<ResponseOut<typeof Fetch> | null> {
    const byTopic = Map.groupBy(wishes, ({ topicId }) => topicId ?? TOPIC_ID);
    const asked = {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 1_000_000,
      topics: [...byTopic].map(([topicId, ofTopic]) => ({
        topic: TOPIC,
        topicId,
        partitions: ofTopic.map((wish) => ({
          partition: wish.partition ?? 0,
          fetchOffset: wish.fetchOffset ?? 0,
          partitionMaxBytes: wish.partitionMaxBytes ?? 1_000_000,
          currentLeaderEpoch: wish.currentLeaderEpoch ?? -1,
          lastFetchedEpoch: wish.lastFetchedEpoch ?? -1,
          logStartOffset: wish.logStartOffset ?? -1,
        })),
      })),
      ...request,
    };
    return this.desk.ask(Fetch, version, asked, connection);
  }

  /** A follower's Fetch without a session. */
  async fetchAs(
    replicaId: number,
    wish: FetchWish,
    { replicaEpoch = 100 + replicaId, maxWaitMs = 0 } = {},
  ): Promise<FetchedPartition> {
    const response = await this.fetch([wish], {
      replicaState: { replicaId, replicaEpoch },
      maxWaitMs,
      sessionEpoch: -1,
    });
    const fetched = response?.responses[0]?.partitions[0];
    if (fetched === undefined) throw new Error('nothing fetched');
    return fetched;
  }
}

/** The end of this event-loop turn: whoever was woken has looked. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Whether a promise has settled by the end of the next turns. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  await nextTurn();
  await nextTurn();
  return settled;
}
