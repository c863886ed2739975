/**
 * @pure Whether topics and partitions may be created, and where their replicas go: Kafka's checks, order and words
 * (ZkAdminManager, AdminZkClient).
 */
import type { Random } from '../lib/random.ts';
import type { TopicId } from '../model/topic-partition.ts';
import { ZERO_TOPIC_ID } from '../model/topic-partition.ts';
import { KafkaError } from '../protocol/errors.ts';
import type { ControllerState } from './controller-state.ts';
import { assignReplicasToBrokers } from './placement.ts';
import { hasCollision, hasCollisionChars, invalidTopicName } from '../model/topic-names.ts';

export interface NewTopic {
  readonly name: string;
  /** -1 for the default, or when there are assignments. */
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[];
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

export interface NewPartitions {
  readonly name: string;
  /** How many there shall be in the end. */
  readonly count: number;
  /** Replicas of the new ones, in order; null to let the controller choose. */
  readonly assignments: readonly { readonly brokerIds: readonly number[] }[] | null;
}

export interface CreationDefaults {
  readonly numPartitions: number;
  readonly defaultReplicationFactor: number;
  /** What is wrong with a topic's configuration, or null. */
  validateConfig(configs: ReadonlyMap<string, string | null>): string | null;
}

/** A topic's assignment is one znode, which must stay below a megabyte. */
export const MAX_PARTITIONS_PER_TOPIC = 50_000;
const NOT_GIVEN = -1;

/**
 * @returns partition → replicas
 * @throws KafkaError with what the client is to be told
 */
export function planTopic(
  state: ControllerState,
  topic: NewTopic,
  defaults: CreationDefaults,
  random: Random,
): Map<number, readonly number[]> {
  const { name, assignments } = topic;
  if (state.topic(name) !== undefined && !state.deletions.isQueued(name)) throw topicExists(name);
  const withoutValue = topic.configs.filter(({ value }) => value === null).map((config) => config.name);
  if (withoutValue.length > 0)
    throw new KafkaError('INVALID_CONFIG', `Null value not supported for topic configs: ${withoutValue.join(',')}`);
  if (assignments.length > 0 && (topic.numPartitions !== NOT_GIVEN || topic.replicationFactor !== NOT_GIVEN))
    throw new KafkaError(
      'INVALID_REQUEST',
      'Both numPartitions or replicationFactor and replicasAssignments were set. ' +
        'Both cannot be used at the same time.',
    );
  const replicas = assignments.length > 0 ? manualAssignment(assignments) : place(state, topic, defaults, random);
  requireUsableName(state, name);
  requireConsistent(replicas);
  const configs = new Map(topic.configs.map((config) => [config.name, config.value]));
  const problem = defaults.validateConfig(configs);
  if (problem !== null) throw new KafkaError('INVALID_CONFIG', problem);
  return replicas;
}

/** Kafka does not ask whether the brokers exist: the partition waits for them. */
function manualAssignment(assignments: NewTopic['assignments']): Map<number, readonly number[]> {
  return new Map(assignments.map(({ partitionIndex, brokerIds }) => [partitionIndex, brokerIds]));
}

function place(
  state: ControllerState,
  topic: NewTopic,
  defaults: CreationDefaults,
  random: Random,
): Map<number, readonly number[]> {
  const partitionCount = topic.numPartitions === NOT_GIVEN ? defaults.numPartitions : topic.numPartitions;
  const { replicationFactor: wanted } = topic;
  const replicationFactor = wanted === NOT_GIVEN ? defaults.defaultReplicationFactor : wanted;
  requireNotTooMany(partitionCount);
  return assignReplicasToBrokers(brokersById(state), { partitionCount, replicationFactor, start: { random } });
}

function requireNotTooMany(partitionCount: number): void {
  if (partitionCount > MAX_PARTITIONS_PER_TOPIC)
    throw new KafkaError(
      'INVALID_PARTITIONS',
      `Number of partitions must not be larger than ${MAX_PARTITIONS_PER_TOPIC}, the most that fit into one znode.`,
    );
}

function brokersById(state: ControllerState) {
  return [...state.brokers.values()].sort((a, b) => a.brokerId - b.brokerId);
}

function topicExists(name: string): KafkaError {
  return new KafkaError('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`);
}

function requireUsableName(state: ControllerState, name: string): void {
  const invalid = invalidTopicName(name);
  if (invalid !== null) throw new KafkaError('INVALID_TOPIC_EXCEPTION', invalid);
  if (state.deletions.isQueued(name))
    throw new KafkaError('TOPIC_ALREADY_EXISTS', `Topic '${name}' is marked for deletion.`);
  if (!hasCollisionChars(name)) return;
  const colliding = [...state.topics.keys()].filter((other) => hasCollision(name, other));
  if (colliding.length > 0)
    throw new KafkaError(
      'INVALID_TOPIC_EXCEPTION',
      `Topic '${name}' collides with existing topics: ${colliding.join(', ')}`,
    );
}

function requireConsistent(replicas: ReadonlyMap<number, readonly number[]>): void {
  const refuse = (message: string): never => {
    throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', message);
  };
  const sizes = new Set([...replicas.values()].map(({ length }) => length));
  if (sizes.size !== 1) refuse('All partitions should have the same number of replicas');
  if (sizes.has(0)) refuse('Cannot have replication factor of 0.');
  for (const [partition, ids] of replicas)
    if (new Set(ids).size !== ids.length)
      refuse(`Duplicate replica assignment found: partition ${partition} -> ${ids.join(', ')}`);
  requireNotTooMany(replicas.size);
  for (let partition = 0; partition < replicas.size; partition++)
    if (!replicas.has(partition)) refuse('partitions should be a consecutive 0-based integer sequence');
}

/**
 * Replicas of the partitions that are new.
 * @throws KafkaError with what the client is to be told
 */
export function planNewPartitions(state: ControllerState, request: NewPartitions): Map<number, readonly number[]> {
  const { name, count, assignments } = request;
  const existing = state.topic(name);
  if (state.isBeingReassigned(name))
    throw new KafkaError(
      'REASSIGNMENT_IN_PROGRESS',
      `A partition reassignment is in progress for the topic '${name}'.`,
    );
  const first = existing?.partitions.get(0);
  if (existing === undefined || first === undefined)
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist.`);
  const oldCount = existing.partitions.size;
  if (count < oldCount)
    throw new KafkaError(
      'INVALID_PARTITIONS',
      `Topic currently has ${oldCount} partitions, which is higher than the requested ${count}.`,
    );
  if (count === oldCount) throw new KafkaError('INVALID_PARTITIONS', `Topic already has ${oldCount} partitions.`);
  requireNotTooMany(count);
  const replicationFactor = first.assignment.replicas.length;
  if (assignments !== null) return manualNewPartitions(state, assignments, oldCount, count, replicationFactor);
  const brokers = brokersById(state);
  const [firstReplica = 0] = first.assignment.replicas;
  const startIndex = Math.max(
    0,
    brokers.findIndex(({ brokerId }) => brokerId >= firstReplica),
  );
  const start = { startIndex, firstPartition: oldCount };
  return assignReplicasToBrokers(brokers, { partitionCount: count - oldCount, replicationFactor, start });
}

function manualNewPartitions(
  state: ControllerState,
  assignments: NonNullable<NewPartitions['assignments']>,
  oldCount: number,
  count: number,
  replicationFactor: number,
): Map<number, readonly number[]> {
  const refuse = (message: string): never => {
    throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', message);
  };
  const unknown = new Set(assignments.flatMap(({ brokerIds }) => brokerIds).filter((id) => !state.brokers.has(id)));
  if (unknown.size > 0) refuse(`Unknown broker(s) in replica assignment: ${[...unknown].join(', ')}.`);
  const added = count - oldCount;
  if (assignments.length !== added)
    refuse(`Increasing the number of partitions by ${added} but ${assignments.length} assignments provided.`);
  const replicas = new Map(assignments.map(({ brokerIds }, index) => [oldCount + index, brokerIds]));
  for (const [partition, ids] of replicas) {
    if (ids.length === 0) refuse(`Cannot have replication factor of 0 for partition id ${partition}.`);
    if (new Set(ids).size !== ids.length)
      refuse(`Duplicate brokers not allowed in replica assignment: ${ids.join(', ')} for partition id ${partition}.`);
  }
  const other = [...replicas].filter(([, ids]) => ids.length !== replicationFactor);
  if (other.length > 0)
    refuse(
      `Inconsistent replication factor between partitions, partition 0 has ${replicationFactor} while partitions ` +
        `[${other.map(([partition]) => partition).join(', ')}] have replication factors ` +
        `[${other.map(([, ids]) => ids.length).join(', ')}], respectively.`,
    );
  return replicas;
}

/** A random UUID (version 4) as Kafka draws it: not one that is reserved, nor one that looks like an option. */
export function newTopicId(random: Random): TopicId {
  for (;;) {
    const bytes = random.bytes(16);
    bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
    bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
    const topicId = bytes.toString('base64url');
    if (!topicId.startsWith('-') && topicId !== ZERO_TOPIC_ID) return topicId;
  }
}
