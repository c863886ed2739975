/** What is refused in whose words: Kafka's ZkAdminManager and AdminZkClient. */
import { describe, expect, it } from 'vitest';
import {
  type CreationDefaults,
  MAX_PARTITIONS_PER_TOPIC,
  type NewPartitions,
  type NewTopic,
  newTopicId,
  planNewPartitions,
  planTopic,
} from '../../../src/controller/topic-creation.ts';
import type { Random } from '../../../src/lib/random.ts';
import { KafkaError } from '../../../src/protocol/errors.ts';
import { addTopic, stateWithBrokers } from '../../support/controller-states.ts';

const zeroes: Random = { int: () => 0, bytes: (length) => Buffer.alloc(length) };
const defaults: CreationDefaults = {
  numPartitions: 2,
  defaultReplicationFactor: 3,
  validateConfig: (configs) => (configs.has('foo') ? 'Unknown topic config name: foo' : null),
};
const topic = (more: Partial<NewTopic>): NewTopic => ({
  name: 'orders',
  numPartitions: -1,
  replicationFactor: -1,
  assignments: [],
  configs: [],
  ...more,
});
const manual = (...replicas: readonly (readonly number[])[]) =>
  replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }));

/** `ERROR: message`, or the plan. */
function outcome(plan: () => unknown): unknown {
  try {
    return plan();
  } catch (error) {
    if (error instanceof KafkaError) return `${error.error}: ${error.message}`;
    throw error;
  }
}

describe('a new topic', () => {
  const state = stateWithBrokers(1, 2, 3);
  addTopic(state, 'there', [1]);
  addTopic(state, 'going', [1]);
  addTopic(state, 'a.b', [1]);
  state.deletions.queue('going');
  const plan = (more: Partial<NewTopic>) => outcome(() => planTopic(state, topic(more), defaults, zeroes));

  it('gets the defaults of the broker where the client gives none', () => {
    expect(plan({})).toEqual(
      new Map([
        [0, [1, 2, 3]],
        [1, [2, 3, 1]],
      ]),
    );
    expect(plan({ numPartitions: 1, replicationFactor: 1 })).toEqual(new Map([[0, [1]]]));
  });

  it('gets the replicas that the client names, of brokers that exist or not', () => {
    expect(plan({ assignments: manual([3, 9]) })).toEqual(new Map([[0, [3, 9]]]));
  });

  it.each<[Partial<NewTopic>, string]>([
    [{ name: 'there' }, "TOPIC_ALREADY_EXISTS: Topic 'there' already exists."],
    [{ name: 'going' }, "TOPIC_ALREADY_EXISTS: Topic 'going' is marked for deletion."],
    [{ name: 'a_b' }, "INVALID_TOPIC_EXCEPTION: Topic 'a_b' collides with existing topics: a.b"],
    [{ name: '..' }, "INVALID_TOPIC_EXCEPTION: Topic name is invalid: '..' is not allowed"],
    [
      { configs: [{ name: 'retention.ms', value: null }] },
      'INVALID_CONFIG: Null value not supported for topic configs: retention.ms',
    ],
    [{ configs: [{ name: 'foo', value: 'x' }] }, 'INVALID_CONFIG: Unknown topic config name: foo'],
    [{ numPartitions: 0 }, 'INVALID_PARTITIONS: Number of partitions must be larger than 0.'],
    [{ replicationFactor: 0 }, 'INVALID_REPLICATION_FACTOR: Replication factor must be larger than 0.'],
    [{ replicationFactor: 4 }, 'INVALID_REPLICATION_FACTOR: Replication factor: 4 larger than available brokers: 3.'],
    [
      { numPartitions: 1, assignments: manual([1]) },
      'INVALID_REQUEST: Both numPartitions or replicationFactor and replicasAssignments were set. ' +
        'Both cannot be used at the same time.',
    ],
    [
      { assignments: manual([1, 2], [1]) },
      'INVALID_REPLICA_ASSIGNMENT: All partitions should have the same number of replicas',
    ],
    [
      { assignments: manual([1, 1]) },
      'INVALID_REPLICA_ASSIGNMENT: Duplicate replica assignment found: partition 0 -> 1, 1',
    ],
    [
      { assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
      'INVALID_REPLICA_ASSIGNMENT: partitions should be a consecutive 0-based integer sequence',
    ],
    [{ assignments: manual([]) }, 'INVALID_REPLICA_ASSIGNMENT: Cannot have replication factor of 0.'],
  ])('is refused: %j', (more, message) => {
    expect(plan(more)).toBe(message);
  });

  it('is refused before anything is built for it when it could never be written', () => {
    expect(plan({ numPartitions: 2 ** 31 - 1 })).toContain(String(MAX_PARTITIONS_PER_TOPIC));
  });
});

describe('new partitions', () => {
  const state = stateWithBrokers(1, 2, 3);
  addTopic(state, 'orders', [2, 3], [3, 1]);
  state.putTopic({
    topic: 'moving',
    topicId: 'm',
    assignment: new Map([[0, { replicas: [1, 2], addingReplicas: [2], removingReplicas: [] }]]),
  });
  const plan = (more: Partial<NewPartitions>) =>
    outcome(() => planNewPartitions(state, { name: 'orders', count: 4, assignments: null, ...more }));

  it('continue the pattern that the first replica began', () => {
    expect(plan({})).toEqual(
      new Map([
        [2, [1, 3]],
        [3, [2, 3]],
      ]),
    );
  });

  it('take the replicas that the client names', () => {
    expect(plan({ count: 3, assignments: [{ brokerIds: [1, 3] }] })).toEqual(new Map([[2, [1, 3]]]));
  });

  it.each<[Partial<NewPartitions>, string]>([
    [{ count: 1 }, 'INVALID_PARTITIONS: Topic currently has 2 partitions, which is higher than the requested 1.'],
    [{ count: 2 }, 'INVALID_PARTITIONS: Topic already has 2 partitions.'],
    [{ name: 'nope' }, "UNKNOWN_TOPIC_OR_PARTITION: The topic 'nope' does not exist."],
    [{ name: 'moving' }, "REASSIGNMENT_IN_PROGRESS: A partition reassignment is in progress for the topic 'moving'."],
    [
      { assignments: [{ brokerIds: [1, 9] }, { brokerIds: [1, 2] }] },
      'INVALID_REPLICA_ASSIGNMENT: Unknown broker(s) in replica assignment: 9.',
    ],
    [
      { assignments: [{ brokerIds: [1, 2] }] },
      'INVALID_REPLICA_ASSIGNMENT: Increasing the number of partitions by 2 but 1 assignments provided.',
    ],
    [
      { count: 3, assignments: [{ brokerIds: [] }] },
      'INVALID_REPLICA_ASSIGNMENT: Cannot have replication factor of 0 for partition id 2.',
    ],
    [
      { count: 3, assignments: [{ brokerIds: [1, 1] }] },
      'INVALID_REPLICA_ASSIGNMENT: Duplicate brokers not allowed in replica assignment: 1, 1 for partition id 2.',
    ],
    [
      { count: 3, assignments: [{ brokerIds: [1] }] },
      'INVALID_REPLICA_ASSIGNMENT: Inconsistent replication factor between partitions, partition 0 has 2 while ' +
        'partitions [2] have replication factors [1], respectively.',
    ],
  ])('are refused: %j', (more, message) => {
    expect(plan(more)).toBe(message);
  });
});

it('draws topic ids that are version 4 UUIDs and do not look like an option', () => {
  const dash = Buffer.alloc(16, 0xff).fill(0xf8, 0, 1);
  const draws = [dash, Buffer.alloc(16, 1)];
  const random: Random = { int: () => 0, bytes: () => draws.shift() ?? Buffer.alloc(16) };
  expect(dash.toString('base64url')).toMatch(/^-/);
  const bytes = Buffer.from(newTopicId(random), 'base64url');
  expect(bytes[0]).toBe(1);
  expect((bytes[6] ?? 0) >> 4).toBe(4);
  expect((bytes[8] ?? 0) >> 6).toBe(2);
});
