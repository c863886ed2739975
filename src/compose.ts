/**
 * The composition root: builds one broker out of its rooms, in the order in which they need each other, and takes it
 * down in reverse. The only file that knows every room; nothing is decided here.
 *
 * Start: ZooKeeper, then the recovery of the logs, then the end of a killed predecessor's session, then the sockets,
 * then the registration (from here on the controller sends orders), then the contest for the controllership. Stop:
 * leaderships are moved away, the sockets close, the coordinators and then the replicas stop, the logs are flushed and
 * marked clean, and the ZooKeeper session ends last.
 */
import { AutoTopicCreation } from './broker/auto-topic-creation.ts';
import type { Broker } from './broker/broker.ts';
import { Dispatch } from './broker/dispatch.ts';
import { RequestCounters } from './broker/request-counters.ts';
import { LiveConfig } from './broker/live-config.ts';
import { FetchSessionCache } from './broker/fetch-session.ts';
import { handlersOf } from './broker/handlers/index.ts';
import type { TopicConfigs } from './broker/topic-configs.ts';
import type { ZooKeeperOffsets } from './broker/zookeeper-offsets.ts';
import type { BrokerConfig } from './config/broker-config.ts';
import { topicConfigFrom } from './config/topic-config.ts';
import { Controller } from './controller/controller.ts';
import { GROUP_METADATA_TOPIC_NAME } from './model/topic-names.ts';
import { GroupCoordinator } from './group/group-coordinator.ts';
import { type Clock, SystemClock } from './lib/clock.ts';
import { Deferred } from './lib/deferred.ts';
import { NodeDisk } from './lib/disk.ts';
import type { Logger } from './lib/logger.ts';
import { SystemRandom } from './lib/random.ts';
import { Links } from './links.ts';
import { LogManager } from './log/log-manager.ts';
import { Membership } from './membership.ts';
import { MetadataCache } from './metadata/metadata-cache.ts';
import type { Endpoint } from './model/broker.ts';
import { SocketServer } from './net/socket-server.ts';
import { ProducerIds } from './producer/producer-ids.ts';
import { AlterPartitionSender } from './replica/alter-partition-sender.ts';
import { Partitions } from './replica/partitions.ts';
import { followStoredConfigs, newConfigWriter, newTopicConfigs, readStoredConfigs } from './stored-configs.ts';
import { acrossSessions } from './zk/across-sessions.ts';
import { ensurePersistentPaths, getOrCreateClusterId } from './zk/bootstrap.ts';
import { nextBrokerId } from './zk/brokers.ts';
import { isZnodeName, readConsumerOffset, writeConsumerOffset } from './zk/consumer-offsets.ts';
import { notifyLogDirFailure } from './zk/log-dir-events.ts';
import { ZooKeeper } from './zk/zookeeper.ts';

export interface RunningBroker {
  readonly brokerId: number;
  /** Controlled shutdown: resolves when nothing of the broker is left. */
  close(): Promise<void>;
}

export interface BrokerOptions {
  readonly config: BrokerConfig;
  readonly logger: Logger;
  /** A fault of our own: the process must end. */
  readonly onFatal: (what: string, error: unknown) => void;
}

/** The machine and the settings. */
interface Ground {
  readonly clock: Clock;
  readonly disk: NodeDisk;
  readonly random: SystemRandom;
  readonly logger: Logger;
  readonly live: LiveConfig;
  /** That of `live`: its fields change while the broker runs. */
  readonly config: BrokerConfig;
  readonly onFatal: BrokerOptions['onFatal'];
  /** Null without HTTP: nothing of it is in memory then. */
  readonly http: typeof import('./http-front.ts') | null;
}

/** What stands before there is a broker: ZooKeeper and the recovered logs. `config` names the broker from here on. */
interface Foundation extends Ground {
  readonly zk: ZooKeeper;
  readonly clusterId: string;
  readonly brokerId: number;
  readonly logs: LogManager;
  /** Of the topics whose logs are here, as they were read before those were opened. */
  readonly topicOverrides: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** The rooms, built and silent: nothing of them is reachable or acts by itself yet. */
interface Rooms {
  readonly broker: Broker;
  readonly membership: Membership;
  readonly links: Links;
}

/** What has been started, to be stopped in reverse. */
type Started = (() => Promise<void> | void)[];

/**
 * How long a starting broker waits to hear of itself from the controller before it calls itself started all the same.
 */
const FIRST_METADATA_TIMEOUT_MS = 10_000;

export async function startBroker({ config, logger, onFatal }: BrokerOptions): Promise<RunningBroker> {
  logger.info('starting');
  const machine = { clock: new SystemClock(), disk: new NodeDisk(), random: new SystemRandom() };
  const live = new LiveConfig(config, logger.named('kafka.server.DynamicBrokerConfig'));
  const started: Started = [];
  const close = async (): Promise<void> => {
    for (const stop of started.splice(0).reverse()) await stop();
  };
  try {
    // A busy machine loads it for seconds, and says nothing to ZooKeeper meanwhile: so before there is a session.
    const http = config.httpListeners.length > 0 ? await import('./http-front.ts') : null;
    const foundation = await layFoundation({ ...machine, logger, live, config: live.config, onFatal, http }, started);
    const rooms = furnish(foundation, started);
    await open(foundation, rooms, started);
    const { broker } = rooms;
    logger.info(`[KafkaServer id=${broker.brokerId}] started`);
    return {
      brokerId: broker.brokerId,
      close: async () => {
        logger.info('shutting down');
        await close();
        logger.info(`[KafkaServer id=${broker.brokerId}] shut down completed`);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function layFoundation(ground: Ground, started: Started): Promise<Foundation> {
  const { random, logger } = ground;
  const zk = newZooKeeper(ground);
  started.push(() => zk.close());
  logger.info(`Connecting to zookeeper on ${ground.config.zookeeperConnect}`);
  await zk.connect();
  const clusterId = await acrossSessions(async () => {
    await ensurePersistentPaths(zk);
    return getOrCreateClusterId(zk, random);
  });
  logger.info(`Cluster ID = ${clusterId}`);
  const { brokerId, ...opened } = await openLogs(ground, clusterId, zk);
  return { ...ground, zk, clusterId, brokerId, ...opened };
}

function furnish(foundation: Foundation, started: Started): Rooms {
  const { brokerId, clusterId, config, zk, clock, random, logger, logs } = foundation;
  const metadata = new MetadataCache();
  const membership = new Membership({ brokerId, config, zk, metadata, clock, logger });
  const brokerEpoch = (): number => membership.brokerEpoch;
  started.push(() => logs.close(brokerEpoch()));
  const activeControllerId = (): number => controller.activeControllerId();
  const links = new Links({ config, metadata, clock, logger, activeControllerId });
  started.push(() => links.close());
  const controller = new Controller({
    brokerId,
    clusterId,
    config,
    zk,
    connect: (broker) => links.toBroker(broker),
    clock,
    random,
    logger: logger.named('kafka.controller.KafkaController'),
    registerBroker: () => membership.rejoin(),
  });
  const topicConfigs = newTopicConfigs(foundation, (changed) => {
    for (const log of logs.all()) {
      const topicConfig = changed.get(log.topic);
      if (topicConfig !== undefined) log.updateConfig(topicConfig);
    }
    for (const topic of changed.keys()) replicas.onTopicConfigChanged(topic);
  });
  metadata.onChange(({ image, deletedPartitions }) => {
    for (const { topic } of deletedPartitions) if (!image.topics.has(topic)) topicConfigs.forget(topic);
  });
  const replicas = newReplicas(foundation, { metadata, membership, links, topicConfigs }, started);
  const requests = links.toController('forwarding');
  const broker: Broker = {
    brokerId,
    clusterId,
    config,
    clock,
    logger,
    metadata,
    replicas,
    logs,
    controller,
    topicConfigs,
    configWriter: newConfigWriter(foundation),
    groups: newGroups(foundation, metadata, replicas, started),
    zooKeeperOffsets: newZooKeeperOffsets(foundation),
    producerIds: new ProducerIds({ brokerId, brokerEpoch, controller: requests, clock, logger }),
    autoTopicCreation: new AutoTopicCreation({
      config,
      controller: requests,
      brokerCount: () => metadata.image.brokers.size,
      logger,
    }),
    fetchSessions: new FetchSessionCache(config.maxIncrementalFetchSessionCacheSlots, (bound) => random.int(bound)),
    brokerEpoch,
    whenRegistered: () => membership.whenRegistered(),
  };
  applyConfigChanges(foundation, broker);
  return { broker, membership, links };
}

/** From here on others can reach the broker, and the controller's orders come. */
async function open(foundation: Foundation, rooms: Rooms, started: Started): Promise<void> {
  const { config, clock, logger, onFatal, http } = foundation;
  const { broker, membership, links } = rooms;
  const { replicas, controller } = broker;
  // Nobody reads them without HTTP.
  const requests = http === null ? undefined : new RequestCounters();
  const dispatch = new Dispatch({ handlers: handlersOf(config), broker, logger, onFatal, counters: requests });
  const sockets = new SocketServer({
    config,
    handleFrame: (frame, connection, receivedMs) => dispatch.handleFrame(frame, connection, receivedMs),
    clock,
    logger: logger.named('kafka.network.SocketServer'),
  });
  await acrossSessions(() => membership.whenIdIsFree());
  await sockets.start();
  started.push(() => sockets.close());
  const endpoints = advertised(config, sockets);
  let closeConsumers: (() => Promise<void>) | null = null;
  if (http !== null && requests !== undefined) {
    const front = await http.openHttp({ ...foundation, ...rooms, sockets, requests });
    started.push(() => front.close());
    closeConsumers = front.closeConsumers;
    endpoints.push(front.endpoint);
  }
  replicas.start();
  broker.groups.start();
  await followStoredConfigs(foundation, broker, started);
  await acrossSessions(() => membership.join(endpoints));
  controller.start();
  started.push(() => controller.stop());
  started.push(() => membership.leave(links.toController('shutdown')));
  if (closeConsumers !== null) started.push(closeConsumers);
  await whenInMetadata(broker);
}

function newZooKeeper({ config, clock, logger }: Ground): ZooKeeper {
  return new ZooKeeper({
    connectString: config.zookeeperConnect,
    sessionTimeoutMs: config.zookeeperSessionTimeoutMs,
    connectionTimeoutMs: config.zookeeperConnectionTimeoutMs,
    clock,
    logger: logger.named('kafka.zookeeper.ZooKeeperClient'),
  });
}

/** Takes the log directories, finds out who this broker is, and recovers the logs with the settings of their topics. */
async function openLogs(
  { live, config, disk, clock, random, logger }: Ground,
  clusterId: string,
  zk: ZooKeeper,
): Promise<Pick<Foundation, 'logs' | 'brokerId' | 'topicOverrides'>> {
  const logs = LogManager.open({ disk, clock, random, logger: logger.named('kafka.log.LogManager'), config });
  const configuredId = config.brokerId >= 0 ? config.brokerId : null;
  logs.check(clusterId, configuredId);
  const brokerId =
    configuredId ?? logs.storedBrokerId ?? (await acrossSessions(() => nextBrokerId(zk, config.reservedBrokerMaxId)));
  logs.claim(clusterId, brokerId);
  live.takeBrokerId(brokerId);
  const stored = await acrossSessions(() => readStoredConfigs({ live, config, zk, clock, logger }));
  const topicOverrides = new Map<string, ReadonlyMap<string, string>>();
  await logs.load((topic) => {
    const overrides = stored.get(topic) ?? new Map<string, string>();
    if (overrides instanceof Error) return overrides;
    topicOverrides.set(topic, overrides);
    return topicConfigFrom(config, overrides);
  });
  return { logs, brokerId, topicOverrides };
}

/** What is made of the configuration, and not looked up when it is needed. */
function applyConfigChanges({ live, config, logs }: Foundation, broker: Broker): void {
  live.onChange((before) => {
    broker.topicConfigs.refreshDefaults();
    logs.onConfigChanged();
    if (config.numReplicaFetchers !== before.numReplicaFetchers) broker.replicas.onFetcherCountChanged();
    if (config.uncleanLeaderElectionEnable && !before.uncleanLeaderElectionEnable)
      broker.controller.onUncleanLeaderElectionEnabled();
  });
}

/** The partitions of this broker on its logs, its way to their leaders, and its way to ask for ISR changes. */
function newReplicas(
  { brokerId, config, zk, clock, logger, logs, onFatal }: Foundation,
  rooms: { metadata: MetadataCache; membership: Membership; links: Links; topicConfigs: TopicConfigs },
  started: Started,
): Partitions {
  const { metadata, membership, links, topicConfigs } = rooms;
  const brokerEpoch = (): number => membership.brokerEpoch;
  const isrStore = new AlterPartitionSender({
    brokerId,
    brokerEpoch,
    channel: links.toController('alter-partition'),
    clock,
    logger: logger.named('kafka.server.AlterPartitionManager'),
    requestTimeoutMs: config.requestTimeoutMs,
  });
  const replicas = new Partitions({
    brokerId,
    settings: config,
    clock,
    logger,
    metadata,
    logs: {
      get: (topic, partition) => logs.get(topic, partition),
      getOrCreate: (topic, partition, topicId, isNew) =>
        logs.getOrCreate(topic, partition, topicId, topicConfigs.config(topic), { isNew }),
      delete: (topic, partition) => logs.delete(topic, partition),
      all: () => logs.all(),
      setAside: (topic, partition) => logs.setAside(topic, partition),
    },
    isrStore,
    brokerEpoch,
    connect: (leaderId) => links.toLeader(leaderId),
    loadTopicConfigs: (topics) => topicConfigs.loadAll(topics),
  });
  started.push(async () => {
    isrStore.close();
    await replicas.close();
  });
  logs.onOffline(({ isLast, error }) => {
    if (isLast) onFatal('All log directories have failed', error);
    replicas.onLogDirectoryFailed();
    notifyLogDirFailure(zk, brokerId).catch((error: unknown) =>
      logger.error('The controller could not be told of the failed log directory', error),
    );
  });
  return replicas;
}

/** The groups that live on the partitions of __consumer_offsets which this broker leads. */
function newGroups(
  { config, clock, random, logger }: Foundation,
  metadata: MetadataCache,
  replicas: Partitions,
  started: Started,
): GroupCoordinator {
  const groups = new GroupCoordinator({
    topic: GROUP_METADATA_TOPIC_NAME,
    settings: config,
    clock,
    random,
    logger: logger.named('kafka.coordinator.group.GroupCoordinator'),
    endOf: (topic, partition) => {
      const leader = replicas.leader(topic, partition, -1);
      return typeof leader === 'string' ? undefined : leader.log;
    },
  });
  replicas.onLeadershipChange(({ becameLeader }) => {
    for (const partition of becameLeader)
      if (partition.topic === GROUP_METADATA_TOPIC_NAME) groups.onElected(partition);
  });
  metadata.onChange(({ image, changedTopics }) => groups.onMetadataChange(image, changedTopics));
  started.push(() => groups.close());
  return groups;
}

function newZooKeeperOffsets({ zk, logger }: Foundation): ZooKeeperOffsets {
  const failed = (what: string, error: unknown): 'UNKNOWN_SERVER_ERROR' => {
    logger.warn(`An offset in ZooKeeper could not be ${what}`, error);
    return 'UNKNOWN_SERVER_ERROR';
  };
  return {
    read: async (groupId, topic, partition) => {
      if (!isZnodeName(groupId)) return 'INVALID_GROUP_ID';
      return readConsumerOffset(zk, groupId, topic, partition).catch((error: unknown) => failed('read', error));
    },
    write: async (groupId, topic, partition, offset) => {
      if (!isZnodeName(groupId)) return 'INVALID_GROUP_ID';
      return writeConsumerOffset(zk, groupId, topic, partition, offset).then(
        () => 'NONE' as const,
        (error: unknown) => failed('written', error),
      );
    },
  };
}

/** What clients are told: the configured addresses, with the real port where the system chose one. */
function advertised(config: BrokerConfig, sockets: SocketServer): Endpoint[] {
  return config.advertisedListeners.map((endpoint) =>
    endpoint.port === 0 ? { ...endpoint, port: sockets.boundPort(endpoint.listenerName) } : endpoint,
  );
}

/** A client that connects after "started" should find a cluster, not an empty list of brokers. */
async function whenInMetadata({ brokerId, metadata, clock, logger }: Broker): Promise<void> {
  const isTold = (): boolean => metadata.isComplete && metadata.isAlive(brokerId);
  if (isTold()) return;
  const heard = new Deferred();
  const unsubscribe = metadata.onChange(() => {
    if (isTold()) heard.resolve();
  });
  const timer = clock.schedule(FIRST_METADATA_TIMEOUT_MS, () => {
    logger.warn(
      'The controller has not told this broker of the cluster yet: clients will see no brokers until it does',
    );
    heard.resolve();
  });
  await heard.promise;
  timer.cancel();
  unsubscribe();
}
