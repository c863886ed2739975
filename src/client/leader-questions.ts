/**
 * Asks the leaders of partitions, each leader once for all it leads; leaders that moved or are lost are looked up and
 * asked again until the deadline (Kafka's PartitionLeaderStrategy).
 */
import { ConnectionError } from '../net/broker-client.ts';
import type { TopicPartition } from '../model/topic-partition.ts';
import { topicPartitionKey } from '../model/topic-partition.ts';
import { type ErrorName, Errors, errorName, isRetriable } from '../protocol/errors.ts';
import type { ClusterClient, Node } from './cluster-client.ts';

export interface LeaderAnswer extends TopicPartition {
  readonly error: ErrorName;
}

/** One request to a leader. @throws ConnectionError */
export type AskLeader<Q extends TopicPartition, A extends LeaderAnswer> = (
  leader: Node,
  questions: readonly Q[],
) => Promise<readonly A[]>;

const RETRY_BACKOFF_MS = 100;
/** The answer for a partition that has no leader, or that does not exist. */
type Unanswered = LeaderAnswer & { readonly isUnanswered: true };

/**
 * One answer for each question, in their order. A partition that does not exist is UNKNOWN_TOPIC_OR_PARTITION at once;
 * one without a leader has the latest error when the time is over.
 * @param call Java's name of what is being done, for the text of a timeout
 * @throws ApiError when no broker can be asked for the leaders
 */
export async function askLeaders<Q extends TopicPartition, A extends LeaderAnswer>(
  cluster: ClusterClient,
  questions: readonly Q[],
  call: string,
  deadline: number,
  ask: AskLeader<Q, A>,
): Promise<(A | Unanswered)[]> {
  const answers = new Map<string, A | Unanswered>();
  const answerOf = ({ topic, partition }: TopicPartition) => answers.get(topicPartitionKey(topic, partition));
  const note = (answer: A | Unanswered): void => {
    answers.set(topicPartitionKey(answer.topic, answer.partition), answer);
  };
  for (let open = [...questions]; open.length > 0; ) {
    const leaders = await leadersOf(cluster, open, call, deadline);
    const led = new Map<Node, Q[]>();
    for (const question of open) {
      const leader = leaders(question);
      if (typeof leader === 'string') note(unanswered(question, leader));
      else {
        const ofLeader = led.get(leader);
        if (ofLeader === undefined) led.set(leader, [question]);
        else ofLeader.push(question);
      }
    }
    await Promise.all(
      [...led].map(async ([leader, of]) => {
        for (const answer of await askOne(cluster, leader, of, ask)) note(answer);
      }),
    );
    open = open.filter((question) => mustAskAgain(answerOf(question)));
    if (open.length > 0 && cluster.clock.monotonicMs() + RETRY_BACKOFF_MS >= deadline) break;
    if (open.length > 0) await cluster.clock.sleep(RETRY_BACKOFF_MS);
  }
  return questions.map((question) => answerOf(question) ?? unanswered(question, 'LEADER_NOT_AVAILABLE'));
}

/** A partition that metadata does not know does not come to be by waiting. */
function mustAskAgain(answer: LeaderAnswer | undefined): boolean {
  if (answer === undefined) return true;
  const isUnknown = answer.error === 'UNKNOWN_TOPIC_OR_PARTITION' && 'isUnanswered' in answer;
  return !isUnknown && isRetriable(answer.error);
}

function unanswered({ topic, partition }: TopicPartition, error: ErrorName): Unanswered {
  return { topic, partition, error, isUnanswered: true };
}

async function leadersOf(
  cluster: ClusterClient,
  questions: readonly TopicPartition[],
  call: string,
  deadline: number,
): Promise<(question: TopicPartition) => Node | ErrorName> {
  const names = [...new Set(questions.map(({ topic }) => topic))];
  const { topics } = await cluster.metadata(names, call, { deadline });
  const byName = new Map(topics.map((topic) => [topic.name ?? '', topic]));
  const leaderIds = new Map(
    topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, leaderId }) => [topicPartitionKey(name ?? '', partitionIndex), leaderId]),
    ),
  );
  return ({ topic, partition }) => {
    const known = byName.get(topic);
    if (known === undefined) return 'UNKNOWN_TOPIC_OR_PARTITION';
    if (known.errorCode !== Errors.NONE) return errorName(known.errorCode);
    const leaderId = leaderIds.get(topicPartitionKey(topic, partition));
    if (leaderId === undefined) return 'UNKNOWN_TOPIC_OR_PARTITION';
    return cluster.nodeById(leaderId) ?? 'LEADER_NOT_AVAILABLE';
  };
}

async function askOne<Q extends TopicPartition, A extends LeaderAnswer>(
  cluster: ClusterClient,
  leader: Node,
  questions: readonly Q[],
  ask: AskLeader<Q, A>,
): Promise<readonly (A | Unanswered)[]> {
  try {
    return await ask(leader, questions);
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    await cluster.warnUnreachable(leader);
    return questions.map((question) => unanswered(question, 'NETWORK_EXCEPTION'));
  }
}
