/**
 * The configurations that ZooKeeper stores, of brokers and of topics: how they are read when the broker starts,
 * followed while it runs, and changed.
 */
import type { Broker } from './broker/broker.ts';
import { ConfigWriter } from './broker/config-writer.ts';
import type { LiveConfig } from './broker/live-config.ts';
import { TopicConfigs } from './broker/topic-configs.ts';
import type { BrokerConfig } from './config/broker-config.ts';
import type { TopicConfig } from './config/topic-config.ts';
import type { Clock } from './lib/clock.ts';
import type { Logger } from './lib/logger.ts';
import { KafkaError } from './protocol/errors.ts';
import {
  DEFAULT_ENTITY,
  readConfigNames,
  readConfigs,
  readStoredConfig,
  readTopicConfig,
  replaceConfig,
  watchConfigChanges,
} from './zk/configs.ts';
import { isZooKeeperError } from './zk/operations.ts';
import { ZnodeFormatError } from './zk/znode-json.ts';
import type { ZooKeeper } from './zk/zookeeper.ts';

interface Ground {
  readonly live: LiveConfig;
  /** That of `live`: it knows the broker's id already. */
  readonly config: BrokerConfig;
  readonly zk: ZooKeeper;
  readonly clock: Clock;
  readonly logger: Logger;
}

type TopicOverrides = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Takes over what is stored for this broker; resolves with what is stored for topics. */
export async function readStoredConfigs(ground: Ground): ReturnType<typeof readConfigs> {
  await refreshBrokerConfigs(ground);
  return readConfigs(ground.zk, 'topics', await readConfigNames(ground.zk, 'topics'));
}

/** Until the broker stops: every change that is stored holds here a moment later. */
export async function followStoredConfigs(
  ground: Ground,
  { controller, topicConfigs }: Pick<Broker, 'controller' | 'topicConfigs'>,
  started: (() => Promise<void> | void)[],
): Promise<void> {
  const { zk, clock, logger } = ground;
  const changes = await watchConfigChanges(
    zk,
    async ({ type, name }) => {
      if (type === 'brokers') return refreshBrokerConfig(ground, name);
      if (type !== 'topics') return;
      // Also where nothing of the topic is: its leader may be the controller's to elect.
      controller.onUncleanLeaderElectionEnabled(name);
      await topicConfigs.refresh(name);
    },
    { clock, logger: logger.named('kafka.common.ZkNodeChangeNotificationListener') },
  );
  started.push(() => changes.close());
  // Notifications may have been missed while there was no session.
  started.push(zk.onSessionEstablished(() => void refreshConfigs(ground, topicConfigs)));
  // The recovery of the logs may have taken longer than notifications are kept.
  await refreshConfigs(ground, topicConfigs);
}

/** What cannot be read now is read again in the next session. */
async function refreshConfigs(ground: Ground, topicConfigs: TopicConfigs): Promise<void> {
  await refreshBrokerConfigs(ground).catch((error: unknown) =>
    ground.logger.warn('The configuration of the brokers could not be read again', error),
  );
  await topicConfigs.refreshAll();
}

async function refreshBrokerConfigs(ground: Ground): Promise<void> {
  for (const name of [DEFAULT_ENTITY, String(ground.config.brokerId)]) await refreshBrokerConfig(ground, name);
}

/** Reads what is stored for all brokers, or for this one; what is stored for another is none of its business. */
async function refreshBrokerConfig({ live, config, zk, logger }: Ground, name: string): Promise<void> {
  if (name !== DEFAULT_ENTITY && name !== String(config.brokerId)) return;
  const { config: overrides, problem } = await readStoredConfig(zk, 'brokers', name);
  // What counted so far counts on: to lose min.insync.replicas to a missing brace would be worse.
  if (problem !== null) logger.error(`The overrides of brokers/${name} make no sense: ${problem}`);
  else live.accept(name === DEFAULT_ENTITY ? 'cluster' : 'broker', overrides);
}

/** @param topicOverrides of the topics whose logs are here already */
export function newTopicConfigs(
  { config, zk, logger, topicOverrides }: Ground & { readonly topicOverrides: TopicOverrides },
  onChange: (changed: ReadonlyMap<string, TopicConfig>) => void,
): TopicConfigs {
  const topicConfigs = new TopicConfigs({
    broker: config,
    readOverrides: async (topic) => {
      try {
        return await readTopicConfig(zk, topic);
      } catch (error) {
        throw error instanceof ZnodeFormatError ? new KafkaError('INVALID_CONFIG', error.message) : error;
      }
    },
    // The server that this broker reads from may be behind the one that the controller wrote to.
    whenUpToDate: () => zk.barrier(),
    onChange,
    logger: logger.named('kafka.server.TopicConfigHandler'),
  });
  for (const [topic, overrides] of topicOverrides) topicConfigs.remember(topic, overrides);
  return topicConfigs;
}

/** Overrides in ZooKeeper, as they are changed. */
export function newConfigWriter({ config, zk, clock, logger }: Ground): ConfigWriter {
  return new ConfigWriter({
    store: {
      read: (kind, name) => readStoredConfig(zk, kind, name),
      replace: async (kind, name, overrides, version) => {
        try {
          return await replaceConfig(zk, kind, name, overrides, version);
        } catch (error) {
          throw isZooKeeperError(error, 'REQUEST_TOO_LARGE') ? new KafkaError('INVALID_CONFIG', error.message) : error;
        }
      },
    },
    requestTimeoutMs: config.requestTimeoutMs,
    clock,
    logger: logger.named('kafka.server.ZkAdminManager'),
  });
}
