/**
 * Dynamic configuration of topics, brokers and other entities: overrides in /config/<type>/<name>, and a notification
 * in /config/changes for every broker to read them again. `replaceConfig` writes only what nobody changed since it was
 * read; with `writeConfig` the last writer wins.
 */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { acrossSessions } from './across-sessions.ts';
import { NotificationListener } from './notifications.ts';
import type { Operation, ZooKeeperOperations } from './operations.ts';
import { ANY_VERSION, isZooKeeperError } from './operations.ts';
import { ZnodeFormatError } from './znode-json.ts';
import type { ConfigEntity, ConfigType } from './znodes.ts';
import { ConfigChangeNotificationZnode, ConfigTypeZnode, ConfigZnode, TopicZnode } from './znodes.ts';

/** The name under which overrides for all entities of a type are kept. */
export const DEFAULT_ENTITY = '<default>';

/** The entity's overrides; empty when it has none. */
export async function readConfig(
  zk: ZooKeeperOperations,
  type: ConfigType,
  name: string,
): Promise<Map<string, string>> {
  const content = await zk.get(ConfigZnode.path(type, name));
  return content === null ? new Map() : ConfigZnode.decode(type, name, content.data);
}

export function readTopicConfig(zk: ZooKeeperOperations, topic: string): Promise<Map<string, string>> {
  return readConfig(zk, 'topics', topic);
}

/** Overrides of one broker, or of all of them with DEFAULT_ENTITY. */
export function readBrokerConfig(
  zk: ZooKeeperOperations,
  broker: number | typeof DEFAULT_ENTITY,
): Promise<Map<string, string>> {
  return readConfig(zk, 'brokers', String(broker));
}

/** Names of all entities of the type that have overrides (or had some), sorted. */
export async function readConfigNames(zk: ZooKeeperOperations, type: ConfigType): Promise<string[]> {
  return ((await zk.children(ConfigTypeZnode.path(type))) ?? []).sort();
}

/**
 * Overrides of many entities at once, by name; the reads are pipelined. In the place of what makes no sense stands why,
 * so that one entity does not stand in the way of all others.
 */
export async function readConfigs(
  zk: ZooKeeperOperations,
  type: ConfigType,
  names: readonly string[],
): Promise<Map<string, Map<string, string> | ZnodeFormatError>> {
  const read = async (name: string): Promise<[string, Map<string, string> | ZnodeFormatError]> => {
    try {
      return [name, await readConfig(zk, type, name)];
    } catch (error) {
      if (!(error instanceof ZnodeFormatError)) throw error;
      return [name, error];
    }
  };
  return new Map(await Promise.all(names.map(read)));
}

export interface StoredConfig {
  readonly config: ReadonlyMap<string, string>;
  /** Why `config` is empty although something is stored; null if that makes sense. */
  readonly problem: string | null;
  /** What a write is to be compared with; null when nothing is stored yet. */
  readonly version: number | null;
}

/** What is stored for the entity, with what `replaceConfig` needs. */
export async function readStoredConfig(zk: ZooKeeperOperations, type: ConfigType, name: string): Promise<StoredConfig> {
  const content = await zk.get(ConfigZnode.path(type, name));
  if (content === null) return { config: new Map(), problem: null, version: null };
  const { version } = content.stat;
  try {
    return { config: ConfigZnode.decode(type, name, content.data), problem: null, version };
  } catch (error) {
    if (!(error instanceof ZnodeFormatError)) throw error;
    return { config: new Map(), problem: error.message, version };
  }
}

/**
 * Replaces the overrides of an entity and notifies every broker, all or nothing, if nobody wrote them since they were
 * read. `stale`: somebody did, or a lost connection hides whether it was this write; read them and decide again.
 * `gone`: the topic does not exist (any more).
 */
export async function replaceConfig(
  zk: ZooKeeperOperations,
  type: ConfigType,
  name: string,
  config: ReadonlyMap<string, string>,
  version: number | null,
): Promise<'written' | 'stale' | 'gone'> {
  const path = ConfigZnode.path(type, name);
  const data = ConfigZnode.encode(config);
  const write: Operation = version === null ? { type: 'create', path, data } : { type: 'set', path, data, version };
  // The overrides of a topic that is deleted meanwhile would be those of the next topic of that name.
  const exists: Operation[] =
    type === 'topics' ? [{ type: 'check', path: TopicZnode.path(name), version: ANY_VERSION }] : [];
  try {
    await zk.multi([write, notification(type, name), ...exists]);
    return 'written';
  } catch (error) {
    if (isZooKeeperError(error, 'CONNECTION_LOSS')) return 'stale';
    if (!isZooKeeperError(error, 'BAD_VERSION', 'NODE_EXISTS', 'NO_NODE')) throw error;
    if (error.failedOperation === 0) return 'stale';
    if (error.failedOperation === 2) return 'gone';
    throw error;
  }
}

function notification(type: ConfigType, name: string): Operation {
  const { path, prefix, encode } = ConfigChangeNotificationZnode;
  return { type: 'create', path: `${path}/${prefix}`, data: encode({ type, name }), sequential: true };
}

/** Replaces the entity's overrides and notifies every broker, both or neither. */
export async function writeConfig(
  zk: ZooKeeperOperations,
  type: ConfigType,
  name: string,
  config: ReadonlyMap<string, string>,
): Promise<void> {
  const path = ConfigZnode.path(type, name);
  const data = ConfigZnode.encode(config);
  for (;;) {
    const isThere = (await zk.exists(path)) !== null;
    const write: Operation = isThere
      ? { type: 'set', path, data, version: ANY_VERSION }
      : { type: 'create', path, data };
    try {
      await zk.multi([write, notification(type, name)]);
      return;
    } catch (error) {
      // Created or deleted since we looked; NO_NODE of the notification's parent is nothing that another try could
      // cure.
      if (!isZooKeeperError(error, 'NODE_EXISTS', 'NO_NODE') || error.failedOperation !== 0) throw error;
      if (!isThere && error.code === 'NO_NODE') await zk.createRecursive(ConfigTypeZnode.path(type));
    }
  }
}

export function writeTopicConfig(
  zk: ZooKeeperOperations,
  topic: string,
  config: ReadonlyMap<string, string>,
): Promise<void> {
  return writeConfig(zk, 'topics', topic, config);
}

export function writeBrokerConfig(
  zk: ZooKeeperOperations,
  broker: number | typeof DEFAULT_ENTITY,
  config: ReadonlyMap<string, string>,
): Promise<void> {
  return writeConfig(zk, 'brokers', String(broker), config);
}

/**
 * Calls `onEntity` for every entity whose overrides may have changed, one at a time, in order: read them again.
 * Resolves when the notifications that were there have been handled. An unknown type of entity is passed on all the
 * same.
 */
export async function watchConfigChanges(
  zk: ZooKeeperOperations,
  onEntity: (entity: ConfigEntity) => void | Promise<void>,
  { clock, logger }: { clock: Clock; logger: Logger },
): Promise<NotificationListener> {
  const listener = new NotificationListener(zk, {
    path: ConfigChangeNotificationZnode.path,
    prefix: ConfigChangeNotificationZnode.prefix,
    clock,
    logger,
    onNotification: (data) => onEntity(ConfigChangeNotificationZnode.decode(data)),
  });
  await acrossSessions(() => listener.start());
  return listener;
}
