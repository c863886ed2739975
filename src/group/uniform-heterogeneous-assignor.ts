/**
 * @pure The uniform assignor for members with different subscriptions: keep what each member has and still subscribes
 * to, give what is free to the subscribers with the least, then move partitions from those with the most to those
 * with the least, topic by topic, until no move helps. Perfect when the subscribers of a topic subscribe to the same;
 * where subscriptions overlap, each topic's subscribers end up within one partition of each other unless the rounds
 * run out.
 *
 * Kafka: UniformHeterogeneousAssignmentBuilder.
 */
import { assert } from '../lib/assert.ts';
import type { TopicId } from '../model/topic-partition.ts';
import { addPartition, type Assignment, type DraftAssignment } from './assignment.ts';
import type { AssignmentTask } from './assignor.ts';
import { MemberBalancer } from './member-balancer.ts';

/** Each round about halves the imbalance; subscriptions that overlap in chains may need many. */
const MAX_ROUNDS = 16;
const NOBODY = -1;

interface SubscribedTopic {
  readonly topicId: TopicId;
  /** Members by number, ascending. */
  readonly subscribers: number[];
  /** By partition: the member's number, or NOBODY. */
  readonly owners: number[];
}

export function assignHeterogeneous({ members, partitionCounts }: AssignmentTask): Map<string, Assignment> {
  const sizes = new Array<number>(members.length).fill(0);
  const topics = subscribedTopics(members, partitionCounts);
  keepWhatIsSubscribed(members, topics, sizes);
  const inOrder = hardestFirst(topics.values());
  for (const topic of inOrder) giveFreePartitions(topic, sizes);
  balance(
    inOrder.filter(({ subscribers }) => subscribers.length > 1),
    sizes,
  );
  const drafts = members.map((): DraftAssignment => new Map());
  for (const { topicId, owners } of topics.values())
    for (const [partition, owner] of owners.entries()) {
      const draft = drafts[owner];
      assert(draft !== undefined, 'every partition of a subscribed topic has an owner');
      addPartition(draft, topicId, partition);
    }
  return new Map(members.map(({ memberId }, number) => [memberId, drafts[number] ?? new Map()]));
}

function subscribedTopics(
  members: AssignmentTask['members'],
  partitionCounts: AssignmentTask['partitionCounts'],
): Map<TopicId, SubscribedTopic> {
  const topics = new Map<TopicId, SubscribedTopic>();
  for (const [number, { topicIds }] of members.entries())
    for (const topicId of topicIds) {
      const topic = topics.get(topicId);
      if (topic !== undefined) topic.subscribers.push(number);
      else {
        const owners = new Array<number>(partitionCounts.get(topicId) ?? 0).fill(NOBODY);
        topics.set(topicId, { topicId, subscribers: [number], owners });
      }
    }
  return topics;
}

function keepWhatIsSubscribed(
  members: AssignmentTask['members'],
  topics: ReadonlyMap<TopicId, SubscribedTopic>,
  sizes: number[],
): void {
  for (const [number, { topicIds, assignment }] of members.entries())
    for (const [topicId, partitions] of assignment) {
      const topic = topics.get(topicId);
      if (topic === undefined || !topicIds.has(topicId)) continue;
      for (const partition of partitions) if (topic.owners[partition] === NOBODY) own(topic, partition, number, sizes);
    }
}

/** Most partitions for each subscriber first, then the fewest subscribers: what leaves the least choice. */
function hardestFirst(topics: Iterable<SubscribedTopic>): SubscribedTopic[] {
  return [...topics].sort(
    (one, other) =>
      other.owners.length / other.subscribers.length - one.owners.length / one.subscribers.length ||
      one.subscribers.length - other.subscribers.length ||
      (one.topicId < other.topicId ? -1 : 1),
  );
}

function giveFreePartitions(topic: SubscribedTopic, sizes: number[]): void {
  const balancer = new MemberBalancer(sizes, topic.subscribers);
  for (const [partition, owner] of topic.owners.entries())
    if (owner === NOBODY) own(topic, partition, balancer.nextLeastLoaded(), sizes);
}

/** Round and round the topics, until one whole round moved nothing. */
function balance(topics: readonly SubscribedTopic[], sizes: number[]): void {
  let sinceLastMove = 0;
  for (let round = 0; round < MAX_ROUNDS; round += 1)
    for (const topic of topics) {
      sinceLastMove = balanceTopic(topic, sizes) > 0 ? 0 : sinceLastMove + 1;
      if (sinceLastMove === topics.length) return;
    }
}

/** The number of partitions moved. */
function balanceTopic(topic: SubscribedTopic, sizes: number[]): number {
  const balancer = new MemberBalancer(sizes, topic.subscribers);
  const owned = partitionsByOwner(topic);
  let moved = 0;
  for (;;) {
    const giver = nextGiver(balancer, owned);
    if (giver === null) return moved;
    const taker = balancer.nextLeastLoaded();
    if (balancer.isBalanced) return moved;
    const partition = giver.pop();
    assert(partition !== undefined, 'the giver has something to give');
    own(topic, partition, taker, sizes);
    moved += 1;
  }
}

/** What the most loaded subscriber that has any partition of the topic has of it. */
function nextGiver(balancer: MemberBalancer, owned: ReadonlyMap<number, number[]>): number[] | null {
  for (;;) {
    const member = balancer.nextMostLoaded();
    if (member === null) return null;
    const partitions = owned.get(member);
    if (partitions !== undefined && partitions.length > 0) return partitions;
    balancer.excludeMostLoaded();
  }
}

/** Ascending, so that the last one is given away. What arrives while balancing is not given on. */
function partitionsByOwner({ owners }: SubscribedTopic): Map<number, number[]> {
  const owned = new Map<number, number[]>();
  for (const [partition, owner] of owners.entries()) {
    const partitions = owned.get(owner);
    if (partitions === undefined) owned.set(owner, [partition]);
    else partitions.push(partition);
  }
  return owned;
}

function own(topic: SubscribedTopic, partition: number, owner: number, sizes: number[]): void {
  const previous = topic.owners[partition];
  assert(previous !== undefined, 'a partition of the topic');
  if (previous !== NOBODY) sizes[previous] = (sizes[previous] ?? 0) - 1;
  topic.owners[partition] = owner;
  sizes[owner] = (sizes[owner] ?? 0) + 1;
}
