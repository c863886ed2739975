/**
 * The Schema Registry of a broker with HTTP: the mind over `_schemas`-0 where this broker leads it, and the way to the
 * leader where it does not.
 */
import type { Broker } from './broker/broker.ts';
import type { BrokerConfig } from './config/broker-config.ts';
import { SCHEMAS_TOPIC_NAME } from './model/topic-names.ts';
import { type HttpAddress, LeaderForwarding } from './http/leader-forwarding.ts';
import { schemaRegistryRoutes } from './http/schema-registry.ts';
import { HTTP_LISTENER_NAME } from './model/broker.ts';
import { leaderWithoutHttp } from './registry/registry-errors.ts';
import { type CompatibilityLevel, compatibilityLevel } from './registry/compatibility-level.ts';
import { SchemaRegistry } from './registry/schema-registry.ts';

export interface RegistryFront {
  readonly plugin: ReturnType<typeof schemaRegistryRoutes>;
  close(): Promise<void>;
}

const PARTITION = 0;
/** Kafka's default of max.message.bytes, less what a batch has around a record. */
const MAX_SCHEMA_BYTES = 1_000_000;
const TIMEOUT_MS = 15_000;
const ATTEMPT_TIMEOUT_MS = 4_000;

/** To be called before the replicas begin: a leadership that began unheard would have no mind. */
export function openRegistry(broker: Broker, version: string): RegistryFront {
  const { clock, metadata, replicas, autoTopicCreation, clusterId } = broker;
  const logger = broker.logger.named('barnabas.registry.SchemaRegistry');
  const registry = new SchemaRegistry({
    clock,
    logger,
    maxSchemaBytes: MAX_SCHEMA_BYTES,
    defaultLevel: defaultLevelOf(broker.config),
    timeoutMs: TIMEOUT_MS,
  });
  const stopListening = replicas.onLeadershipChange(({ becameLeader }) => {
    for (const partition of becameLeader)
      if (partition.topic === SCHEMAS_TOPIC_NAME && partition.partition === PARTITION) registry.onElected(partition);
  });
  const leader = (): HttpAddress | null => {
    const leaderId = metadata.partition(SCHEMAS_TOPIC_NAME, PARTITION)?.leader ?? -1;
    // Here metadata may be behind: this broker asks itself when it has heard that it leads.
    if (leaderId === broker.brokerId || metadata.broker(leaderId) === undefined) return null;
    const endpoint = metadata.endpoint(leaderId, HTTP_LISTENER_NAME);
    if (endpoint === undefined) throw leaderWithoutHttp(leaderId);
    return endpoint;
  };
  const forwarding = new LeaderForwarding({
    isLeader: () => registry.isLeader,
    leader,
    hasTopic: () => metadata.contains(SCHEMAS_TOPIC_NAME, PARTITION),
    createTopic: async () => {
      await autoTopicCreation.create([SCHEMAS_TOPIC_NAME]);
    },
    clock,
    logger,
    timeoutMs: TIMEOUT_MS,
    attemptTimeoutMs: ATTEMPT_TIMEOUT_MS,
  });
  const forward = forwarding.forward.bind(forwarding);
  return {
    plugin: schemaRegistryRoutes({ registry, forward, clusterId, version }),
    close: async () => {
      stopListening();
      forwarding.close();
      await registry.close();
    },
  };
}

/** The older key goes before the newer one, as with Confluent. */
function defaultLevelOf({ avroCompatibilityLevel, schemaCompatibilityLevel }: BrokerConfig): CompatibilityLevel {
  return compatibilityLevel(avroCompatibilityLevel) ?? compatibilityLevel(schemaCompatibilityLevel) ?? 'BACKWARD';
}
