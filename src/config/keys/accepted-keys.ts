/**
 * @pure Kafka 3.9's keys that have a meaning only with what this broker does not have: TLS, SASL, KRaft, remote
 * storage, delegation tokens, share and streams groups, threads. They are accepted, so that a configuration written
 * for Kafka can be kept as it is, and named once in the log as not used. What would do harm when passed over is refused
 * in broker-config.ts.
 */
const ACCEPTED_PREFIXES = [
  'confluent.',
  'controller.quorum.',
  'delegation.token.',
  'group.share.',
  'group.streams.',
  'listener.name.',
  'log4j.',
  'metadata.',
  'password.encoder.',
  'remote.',
  'rlmm.',
  'rsm.',
  'sasl.',
  'ssl.',
  'zookeeper.ssl.',
] as const;

const ACCEPTED_KEYS: ReadonlySet<string> = new Set([
  'allow.everyone.if.no.acl.found',
  'broker.heartbeat.interval.ms',
  'broker.session.timeout.ms',
  'controller.listener.names',
  'eligible.leader.replicas.enable',
  'follower.replication.throttled.rate',
  'group.coordinator.append.linger.ms',
  'group.coordinator.new.enable',
  'group.coordinator.threads',
  'initial.broker.registration.timeout.ms',
  'leader.replication.throttled.rate',
  'replica.alter.log.dirs.io.max.bytes.per.second',
  'security.providers',
  'server.max.startup.time.ms',
  'super.users',
  'unstable.api.versions.enable',
  'unstable.feature.versions.enable',
  'zookeeper.metadata.migration.min.batch.size',
]);

/** Keys that Kafka dropped, with what took their place: people still paste them. */
const REPLACED_KEYS: ReadonlyMap<string, string> = new Map([
  ['port', 'listeners'],
  ['host.name', 'listeners'],
  ['advertised.port', 'advertised.listeners'],
  ['advertised.host.name', 'advertised.listeners'],
  ['quota.producer.default', "the client quotas of Kafka's admin tools"],
  ['quota.consumer.default', "the client quotas of Kafka's admin tools"],
]);

export function isAcceptedKey(key: string): boolean {
  return ACCEPTED_KEYS.has(key) || ACCEPTED_PREFIXES.some((prefix) => key.startsWith(prefix));
}

export function replacementOf(key: string): string | null {
  return REPLACED_KEYS.get(key) ?? null;
}

/** Values of such keys are never printed: a key nobody knows may hold a password. */
export function mayHoldSecret(key: string): boolean {
  return /password|secret|jaas|credential|\.key$|token/i.test(key);
}
