/**
 * @pure The rules between the broker's keys (KafkaConfig.validateValues), and the refusal of what this broker does
 * not have and could not pass over without harm: encryption, authorisation, policies, KRaft, remote storage.
 */
import type { RawBrokerConfig } from './broker-config.ts';
import type { Setting } from './config-error.ts';
import type { ResolvedListeners } from './listeners.ts';

interface Resolved extends ResolvedListeners {
  readonly logDirs: readonly string[];
  readonly logRetentionMs: number;
  readonly logRollMs: number;
  readonly logRollJitterMs: number;
  readonly logFlushIntervalMs: number;
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>;
}

type Report = (key: string, message: string) => void;

/** Reports each broken rule; returns warnings for what is accepted and has no effect yet. */
export function brokerRuleProblems(
  raw: RawBrokerConfig,
  supplied: ReadonlyMap<string, Setting>,
  resolved: Resolved,
  report: Report,
): string[] {
  checkIdentity(raw, report);
  checkLog(raw, resolved, supplied, report);
  checkReplication(raw, report);
  checkGroups(raw, report);
  checkSockets(raw, resolved, report);
  refuseWhatIsMissing(raw, resolved, report);
  return warningsFor(raw);
}

function checkIdentity(raw: RawBrokerConfig, report: Report): void {
  if (raw.nodeId !== raw.brokerId) report('node.id', 'You must set `node.id` to the same value as `broker.id`.');
  if (!raw.brokerIdGenerationEnable) {
    if (raw.brokerId < 0) report('broker.id', 'broker.id must be greater than or equal to 0');
  } else if (raw.brokerId < -1 || raw.brokerId > raw.reservedBrokerMaxId)
    report(
      'broker.id',
      'broker.id must be greater than or equal to -1 and not greater than reserved.broker.max.id ' +
        `(${raw.reservedBrokerMaxId})`,
    );
}

const MIB = 1024 * 1024;

function checkLog(
  raw: RawBrokerConfig,
  resolved: Resolved,
  supplied: ReadonlyMap<string, Setting>,
  report: Report,
): void {
  const suppliedOf = (...keys: string[]): string => keys.find((key) => supplied.has(key)) ?? keys[0] ?? '';
  if (resolved.logRollMs < 1)
    report(suppliedOf('log.roll.ms', 'log.roll.hours'), 'log.roll.ms must be greater than or equal to 1');
  if (resolved.logRollJitterMs < 0)
    report(
      suppliedOf('log.roll.jitter.ms', 'log.roll.jitter.hours'),
      'log.roll.jitter.ms must be greater than or equal to 0',
    );
  // Kafka stores such a change, and does not start any more.
  if (resolved.logFlushIntervalMs < 0)
    report(
      suppliedOf('log.flush.interval.ms', 'log.flush.scheduler.interval.ms'),
      'log.flush.interval.ms must be greater than or equal to 0',
    );
  if (resolved.logRetentionMs === 0)
    report(
      suppliedOf('log.retention.ms', 'log.retention.minutes', 'log.retention.hours'),
      'log.retention.ms must be unlimited (-1) or, greater than or equal to 1',
    );
  if (resolved.logDirs.length === 0)
    report('log.dirs', 'At least one log directory must be defined via log.dirs or log.dir.');
  if (new Set(resolved.logDirs).size !== resolved.logDirs.length)
    report('log.dirs', 'Each log directory must be named once in log.dirs.');
  if (raw.logCleanerDedupeBufferSize / Math.max(raw.logCleanerThreads, 1) <= MIB)
    report('log.cleaner.dedupe.buffer.size', 'log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.');
  if (raw.logCleanerMinCompactionLagMs > raw.logCleanerMaxCompactionLagMs)
    report(
      'log.cleaner.min.compaction.lag.ms',
      `conflict topic config setting min.compaction.lag.ms (${raw.logCleanerMinCompactionLagMs}) > ` +
        `max.compaction.lag.ms (${raw.logCleanerMaxCompactionLagMs})`,
    );
}

function checkReplication(raw: RawBrokerConfig, report: Report): void {
  if (raw.replicaFetchWaitMaxMs > raw.replicaSocketTimeoutMs)
    report(
      'replica.socket.timeout.ms',
      'replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms ' +
        'to prevent unnecessary socket timeouts',
    );
  if (raw.replicaFetchWaitMaxMs > raw.replicaLagTimeMaxMs)
    report(
      'replica.fetch.wait.max.ms',
      'replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms ' +
        'to prevent frequent changes in ISR',
    );
  // Kafka finds these out when the first topic is made, or never; a broker that cannot work is better refused at its
  // start.
  if (raw.defaultReplicationFactor < 1)
    report('default.replication.factor', 'default.replication.factor must be greater than or equal to 1');
  if (raw.numReplicaFetchers < 1)
    report('num.replica.fetchers', 'num.replica.fetchers must be greater than or equal to 1');
  if (raw.zookeeperSessionTimeoutMs < 1)
    report('zookeeper.session.timeout.ms', 'zookeeper.session.timeout.ms must be greater than or equal to 1');
}

/** Kafka's GroupCoordinatorConfig. */
function checkGroups(raw: RawBrokerConfig, report: Report): void {
  const checkLimits = (setting: string, value: number, min: number, max: number): void => {
    const key = `group.consumer.${setting}`;
    const minKey = `group.consumer.min.${setting}`;
    const maxKey = `group.consumer.max.${setting}`;
    if (max < min) report(maxKey, `${maxKey} must be greater than or equal to ${minKey}`);
    if (value < min) report(key, `${key} must be greater than or equal to ${minKey}`);
    if (value > max) report(key, `${key} must be less than or equal to ${maxKey}`);
  };
  const heartbeatMs = raw.groupConsumerHeartbeatIntervalMs;
  const sessionMs = raw.groupConsumerSessionTimeoutMs;
  const heartbeatLimits = [raw.groupConsumerMinHeartbeatIntervalMs, raw.groupConsumerMaxHeartbeatIntervalMs] as const;
  const sessionLimits = [raw.groupConsumerMinSessionTimeoutMs, raw.groupConsumerMaxSessionTimeoutMs] as const;
  checkLimits('heartbeat.interval.ms', heartbeatMs, ...heartbeatLimits);
  checkLimits('session.timeout.ms', sessionMs, ...sessionLimits);
  if (heartbeatMs >= sessionMs)
    report(
      'group.consumer.heartbeat.interval.ms',
      'group.consumer.heartbeat.interval.ms must be less than group.consumer.session.timeout.ms',
    );
  if (!raw.groupCoordinatorRebalanceProtocols.includes('classic'))
    report('group.coordinator.rebalance.protocols', "Disabling the 'classic' protocol is not supported.");
  if (raw.offsetsCommitRequiredAcks < -1 || raw.offsetsCommitRequiredAcks > raw.offsetsTopicReplicationFactor)
    report(
      'offsets.commit.required.acks',
      'offsets.commit.required.acks must be greater or equal to -1 and less or equal to ' +
        'offsets.topic.replication.factor',
    );
}

function checkSockets(raw: RawBrokerConfig, resolved: Resolved, report: Report): void {
  if (raw.queuedMaxRequestBytes > 0 && raw.queuedMaxRequestBytes < raw.socketRequestMaxBytes)
    report('queued.max.request.bytes', 'queued.max.request.bytes must be larger or equal to socket.request.max.bytes');
  if (raw.maxConnectionsPerIp === 0 && resolved.maxConnectionsPerIpOverrides.size === 0)
    report(
      'max.connections.per.ip',
      'max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.',
    );
  if (raw.connectionsMaxIdleMs >= 0 && raw.connectionFailedAuthenticationDelayMs >= raw.connectionsMaxIdleMs)
    report(
      'connection.failed.authentication.delay.ms',
      `connection.failed.authentication.delay.ms=${raw.connectionFailedAuthenticationDelayMs} should always be ` +
        `less than connections.max.idle.ms=${raw.connectionsMaxIdleMs} to prevent failed authentication responses ` +
        'from timing out',
    );
  const controlPlane = raw.controlPlaneListenerName?.toUpperCase();
  if (controlPlane === undefined) return;
  const names = resolved.advertisedListeners.map(({ listenerName }) => listenerName);
  if (!names.includes(controlPlane))
    report(
      'control.plane.listener.name',
      'control.plane.listener.name must be a listener name defined in advertised.listeners. ' +
        `The valid options based on currently configured listeners are ${names.join(',')}`,
    );
  else if (controlPlane === resolved.interBrokerListenerName)
    report(
      'control.plane.listener.name',
      'control.plane.listener.name, when defined, should have a different value from the inter broker listener name. ' +
        `Currently they both have the value ${controlPlane}`,
    );
}

function refuseWhatIsMissing(raw: RawBrokerConfig, resolved: Resolved, report: Report): void {
  for (const { listenerName, securityProtocol } of resolved.listeners)
    if (securityProtocol !== 'PLAINTEXT')
      report(
        'listeners',
        `Listener ${listenerName} uses the security protocol ${securityProtocol}, which this broker does not speak ` +
          'yet. Only PLAINTEXT listeners can be opened.',
      );
  const refused: [key: string, isSet: boolean, what: string][] = [
    ['authorizer.class.name', raw.authorizerClassName !== '', 'Authorisation'],
    ['process.roles', raw.processRoles.length > 0, 'KRaft mode'],
    ['zookeeper.set.acl', raw.zookeeperSetAcl, 'Access control on znodes'],
    ['zookeeper.ssl.client.enable', raw.zookeeperSslClientEnable, 'TLS to ZooKeeper'],
    ['zookeeper.metadata.migration.enable', raw.zookeeperMetadataMigrationEnable, 'Migration to KRaft'],
    ['remote.log.storage.system.enable', raw.remoteLogStorageSystemEnable, 'Remote storage'],
    ['create.topic.policy.class.name', !!raw.createTopicPolicyClassName, 'A policy for new topics'],
    ['alter.config.policy.class.name', !!raw.alterConfigPolicyClassName, 'A policy for configurations'],
    ['client.quota.callback.class', !!raw.clientQuotaCallbackClass, 'A quota callback'],
    ['config.providers', raw.configProviders.length > 0, 'Filling in variables by config providers'],
  ];
  for (const [key, isSet, what] of refused)
    if (isSet) report(key, `${what} is not supported by this broker. Remove ${key} to start without it.`);
}

function warningsFor(raw: RawBrokerConfig): string[] {
  const warnings: string[] = [];
  if (raw.offsetsCommitRequiredAcks !== -1)
    warnings.push(
      'offsets.commit.required.acks has no effect: a commit is answered when all in-sync replicas have it.',
    );
  if (raw.replicaSelectorClass)
    warnings.push('replica.selector.class has no effect: consumers read from the leader of a partition.');
  if (raw.controlPlaneListenerName)
    warnings.push(
      'control.plane.listener.name has no effect: requests of the controller use the listener between brokers.',
    );
  return warnings;
}
