/**
 * @pure How the leader of a classic group deals partitions out: Kafka's RangeAssignor (without racks) and
 * RoundRobinAssignor. The same members and topics give the same result in every client.
 */
import type { TopicPartition } from '../model/topic-partition.ts';

export interface Subscriber {
  readonly memberId: string;
  /** Null for a dynamic member. */
  readonly groupInstanceId: string | null;
  readonly topics: readonly string[];
}

/** The partitions of each member, by member id; members without any are there, too. */
export type ClientAssignor = (
  subscribers: readonly Subscriber[],
  partitionCounts: ReadonlyMap<string, number>,
) => Map<string, TopicPartition[]>;

/** By the name under which members agree on one. */
export const CLIENT_ASSIGNORS: ReadonlyMap<string, ClientAssignor> = new Map([
  ['range', assignRanges],
  ['roundrobin', assignInTurn],
]);

/** Of each topic a contiguous part for each of its subscribers; what is left over goes to the first ones. */
export function assignRanges(
  subscribers: readonly Subscriber[],
  partitionCounts: ReadonlyMap<string, number>,
): Map<string, TopicPartition[]> {
  const members = inOrder(subscribers);
  const assignment = new Map(members.map(({ memberId }) => [memberId, [] as TopicPartition[]]));
  for (const topic of topicsOf(members)) {
    const count = partitionCounts.get(topic) ?? 0;
    const readers = members.filter(({ topics }) => topics.includes(topic));
    const share = Math.floor(count / readers.length);
    const extra = count % readers.length;
    let next = 0;
    for (const [index, { memberId }] of readers.entries()) {
      const end = next + share + (index < extra ? 1 : 0);
      for (; next < end; next++) assignment.get(memberId)?.push({ topic, partition: next });
    }
  }
  return assignment;
}

/** All partitions of all topics one after the other, each to the next member that has subscribed to its topic. */
export function assignInTurn(
  subscribers: readonly Subscriber[],
  partitionCounts: ReadonlyMap<string, number>,
): Map<string, TopicPartition[]> {
  const members = inOrder(subscribers);
  const assignment = new Map(members.map(({ memberId }) => [memberId, [] as TopicPartition[]]));
  let turn = 0;
  for (const topic of topicsOf(members))
    for (let partition = 0; partition < (partitionCounts.get(topic) ?? 0); partition++) {
      while (!members[turn % members.length]?.topics.includes(topic)) turn++;
      assignment.get(members[turn % members.length]?.memberId ?? '')?.push({ topic, partition });
      turn++;
    }
  return assignment;
}

/** Static members by their instances, then dynamic ones by their ids. */
function inOrder(subscribers: readonly Subscriber[]): Subscriber[] {
  return [...subscribers].sort((a, b) => {
    if (a.groupInstanceId !== null && b.groupInstanceId !== null) return compare(a.groupInstanceId, b.groupInstanceId);
    if (a.groupInstanceId !== null) return -1;
    return b.groupInstanceId === null ? compare(a.memberId, b.memberId) : 1;
  });
}

function topicsOf(members: readonly Subscriber[]): string[] {
  return [...new Set(members.flatMap(({ topics }) => topics))].sort(compare);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
