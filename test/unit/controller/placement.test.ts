/** Where replicas go. The expected assignments are those of Kafka's own example (AdminUtils) and of its rules. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignReplicasToBrokers, type BrokerRack, rackAlternatedBrokers } from '../../../src/controller/placement.ts';
import type { Random } from '../../../src/lib/random.ts';

const brokersWithoutRacks = (count: number): BrokerRack[] =>
  Array.from({ length: count }, (_, brokerId) => ({ brokerId, rack: null }));

const randomOf = (...numbers: number[]): Random => ({
  int: (bound) => (numbers.shift() ?? 0) % bound,
  bytes: (length) => Buffer.alloc(length),
});

describe('without racks', () => {
  it('goes round the brokers and shifts the followers each time round', () => {
    const start = { startIndex: 0, firstPartition: 0 };
    const assignment = assignReplicasToBrokers(brokersWithoutRacks(5), {
      partitionCount: 10,
      replicationFactor: 3,
      start,
    });
    expect([...assignment.values()]).toEqual([
      [0, 1, 2],
      [1, 2, 3],
      [2, 3, 4],
      [3, 4, 0],
      [4, 0, 1],
      [0, 2, 3],
      [1, 3, 4],
      [2, 4, 0],
      [3, 0, 1],
      [4, 1, 2],
    ]);
  });

  it('begins at a random broker with a random shift', () => {
    const start = { random: randomOf(2, 1) };
    const assignment = assignReplicasToBrokers(brokersWithoutRacks(4), {
      partitionCount: 2,
      replicationFactor: 2,
      start,
    });
    expect([...assignment]).toEqual([
      [0, [2, 0]],
      [1, [3, 1]],
    ]);
  });
});

describe('with racks', () => {
  const racks = new Map([
    [0, 'rack1'],
    [1, 'rack3'],
    [2, 'rack3'],
    [3, 'rack2'],
    [4, 'rack2'],
    [5, 'rack1'],
  ]);
  const brokers = [...racks].map(([brokerId, rack]) => ({ brokerId, rack }));

  it('deals the brokers out rack by rack', () => {
    expect(rackAlternatedBrokers(racks)).toEqual([0, 3, 1, 5, 4, 2]);
  });

  it('takes as many brokers as a rack has', () => {
    const uneven = new Map([
      [7, 'a'],
      [1, 'b'],
      [2, 'b'],
      [3, 'b'],
    ]);
    expect(rackAlternatedBrokers(uneven)).toEqual([7, 1, 2, 3]);
  });

  it('gives each of three racks one of three replicas, and each broker the same load', () => {
    const start = { startIndex: 0, firstPartition: 0 };
    const assignment = assignReplicasToBrokers(brokers, { partitionCount: 6, replicationFactor: 3, start });
    const load = new Map<number, number>();
    for (const replicas of assignment.values()) {
      expect(new Set(replicas.map((id) => racks.get(id))).size).toBe(3);
      for (const id of replicas) load.set(id, (load.get(id) ?? 0) + 1);
    }
    expect([...load.values()]).toEqual([3, 3, 3, 3, 3, 3]);
  });

  it('refuses brokers of which only some say where they are', () => {
    const some = [...brokers, { brokerId: 9, rack: null }];
    const start = { startIndex: 0, firstPartition: 0 };
    expect(() => assignReplicasToBrokers(some, { partitionCount: 1, replicationFactor: 1, start })).toThrow(
      'Not all brokers have rack information',
    );
  });
});

it.each([
  [0, 1, 'Number of partitions must be larger than 0.'],
  [1, 0, 'Replication factor must be larger than 0.'],
  [1, 4, 'Replication factor: 4 larger than available brokers: 3.'],
])('refuses %i partitions with %i replicas on three brokers', (partitionCount, replicationFactor, message) => {
  const start = { startIndex: 0, firstPartition: 0 };
  expect(() => assignReplicasToBrokers(brokersWithoutRacks(3), { partitionCount, replicationFactor, start })).toThrow(
    message,
  );
});

it('places each replica of a partition on another broker and, as far as there are racks, on another rack', () => {
  const rack = fc.constantFrom('a', 'b', 'c');
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(50), { minLength: 1, maxLength: 12 }),
      fc.boolean(),
      fc.array(rack, { minLength: 12, maxLength: 12 }),
      fc.integer({ min: 1, max: 30 }),
      fc.nat(100),
      fc.nat(100),
      (ids, hasRacks, rackOf, partitionCount, seed, factorSeed) => {
        const brokers = ids.map((brokerId, index) => ({ brokerId, rack: hasRacks ? (rackOf[index] ?? 'a') : null }));
        const replicationFactor = (factorSeed % ids.length) + 1;
        const start = { random: randomOf(seed, seed * 7) };
        const assignment = assignReplicasToBrokers(brokers, { partitionCount, replicationFactor, start });
        expect([...assignment.keys()]).toEqual(Array.from({ length: partitionCount }, (_, index) => index));
        const racks = new Map(brokers.map((broker) => [broker.brokerId, broker.rack]));
        const rackCount = new Set(racks.values()).size;
        const leaders = new Map<number, number>();
        for (const replicas of assignment.values()) {
          expect(new Set(replicas).size).toBe(replicationFactor);
          expect(replicas.every((id) => ids.includes(id))).toBe(true);
          if (hasRacks)
            expect(new Set(replicas.map((id) => racks.get(id))).size).toBe(Math.min(rackCount, replicationFactor));
          const [leader = -1] = replicas;
          leaders.set(leader, (leaders.get(leader) ?? 0) + 1);
        }
        const counts = ids.map((id) => leaders.get(id) ?? 0);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      },
    ),
  );
});
