/**
 * @pure Which brokers hold the replicas of new partitions (Kafka's AdminUtils.assignReplicasToBrokers).
 *
 * First replicas go round the brokers from a random start; the other replicas of a partition follow at a distance
 * that grows by one each time round, so that the followers of one broker's partitions are spread too. With racks,
 * brokers are first dealt out rack by rack, and a rack gets a second replica only when each rack has one: with as
 * many replicas as racks, the loss of a rack costs every partition exactly one replica.
 */
import type { Random } from '../lib/random.ts';
import type { BrokerInfo } from '../model/broker.ts';
import { KafkaError } from '../protocol/errors.ts';

export type BrokerRack = Pick<BrokerInfo, 'brokerId' | 'rack'>;

/** Where to begin. `continueAfter` makes the partitions of a grown topic continue the pattern of its first ones. */
export type PlacementStart =
  | { readonly random: Random }
  | { readonly startIndex: number; readonly firstPartition: number };

export interface PlacementRequest {
  readonly partitionCount: number;
  readonly replicationFactor: number;
  readonly start: PlacementStart;
}

/**
 * @param brokers in the order in which they take turns
 * @returns partition → replicas, the preferred leader first
 * @throws KafkaError INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR; UNKNOWN_SERVER_ERROR (as Kafka) when only some
 * of the brokers say in which rack they are
 */
export function assignReplicasToBrokers(
  brokers: readonly BrokerRack[],
  request: PlacementRequest,
): Map<number, number[]> {
  const { partitionCount, replicationFactor } = request;
  if (partitionCount <= 0) throw new KafkaError('INVALID_PARTITIONS', 'Number of partitions must be larger than 0.');
  if (replicationFactor <= 0)
    throw new KafkaError('INVALID_REPLICATION_FACTOR', 'Replication factor must be larger than 0.');
  if (replicationFactor > brokers.length)
    throw new KafkaError(
      'INVALID_REPLICATION_FACTOR',
      `Replication factor: ${replicationFactor} larger than available brokers: ${brokers.length}.`,
    );
  const racks = new Map<number, string>();
  for (const { brokerId, rack } of brokers) if (rack !== null) racks.set(brokerId, rack);
  if (racks.size === 0)
    return assign(
      brokers.map(({ brokerId }) => brokerId),
      request,
      rackUnawareFollowers,
    );
  if (racks.size < brokers.length)
    throw new KafkaError(
      'UNKNOWN_SERVER_ERROR',
      'Not all brokers have rack information for replica rack aware assignment.',
    );
  return assign(rackAlternatedBrokers(racks), request, (ring) => rackAwareFollowers(ring, racks));
}

/** The brokers in turn, and how far from the leader the followers begin. */
interface Ring {
  readonly brokers: readonly number[];
  readonly leaderIndex: number;
  readonly shift: number;
  readonly followerCount: number;
}

function assign(
  brokers: readonly number[],
  { partitionCount, replicationFactor, start }: PlacementRequest,
  followersOf: (ring: Ring) => number[],
): Map<number, number[]> {
  const isRandom = 'random' in start;
  const startIndex = isRandom ? start.random.int(brokers.length) : start.startIndex;
  let shift = isRandom ? start.random.int(brokers.length) : start.startIndex;
  const firstPartition = isRandom ? 0 : start.firstPartition;
  const assignment = new Map<number, number[]>();
  for (let partition = firstPartition; partition < firstPartition + partitionCount; partition++) {
    if (partition > 0 && partition % brokers.length === 0) shift++;
    const leaderIndex = (partition + startIndex) % brokers.length;
    const followers = followersOf({ brokers, leaderIndex, shift, followerCount: replicationFactor - 1 });
    assignment.set(partition, [at(brokers, leaderIndex), ...followers]);
  }
  return assignment;
}

function rackUnawareFollowers(ring: Ring): number[] {
  return Array.from({ length: ring.followerCount }, (_, step) => followerAt(ring, ring.shift, step));
}

function rackAwareFollowers(ring: Ring, racks: ReadonlyMap<number, string>): number[] {
  const { brokers, leaderIndex, shift, followerCount } = ring;
  const rackCount = new Set(racks.values()).size;
  const leader = at(brokers, leaderIndex);
  const usedRacks = new Set([racks.get(leader)]);
  const replicas = new Set([leader]);
  for (let step = 0; replicas.size <= followerCount; step++) {
    const candidate = followerAt(ring, shift * rackCount, step);
    const rack = racks.get(candidate);
    if (replicas.has(candidate) || (usedRacks.has(rack) && usedRacks.size < rackCount)) continue;
    replicas.add(candidate);
    usedRacks.add(rack);
  }
  return [...replicas].slice(1);
}

/** Steps through all brokers but the leader, for ever. */
function followerAt({ brokers, leaderIndex }: Ring, shift: number, step: number): number {
  const distance = 1 + ((shift + step) % (brokers.length - 1));
  return at(brokers, (leaderIndex + distance) % brokers.length);
}

/** One broker of each rack in turn: racks a: 0 1 2, b: 3 4 5 give 0 3 1 4 2 5. */
export function rackAlternatedBrokers(racks: ReadonlyMap<number, string>): number[] {
  const byRack = new Map<string, number[]>();
  for (const rack of [...new Set(racks.values())].sort()) byRack.set(rack, []);
  for (const [brokerId, rack] of [...racks].sort(([a], [b]) => a - b)) byRack.get(rack)?.push(brokerId);
  const result: number[] = [];
  for (let round = 0; result.length < racks.size; round++)
    for (const brokers of byRack.values()) result.push(...brokers.slice(round, round + 1));
  return result;
}

function at(brokers: readonly number[], index: number): number {
  const broker = brokers[index];
  if (broker === undefined) throw new RangeError(`no broker at ${index}`);
  return broker;
}
