/** AlterPartition: leaders propose ISRs, the controller checks and writes them (see isr-change.ts). */
import type { LeaderAndIsr } from '../model/leader-and-isr.ts';
import type { TopicId } from '../model/topic-partition.ts';
import type { ErrorName } from '../protocol/errors.ts';
import { KafkaError } from '../protocol/errors.ts';
import type { ControlledPartition } from './controller-state.ts';
import { type IsrProposal, judgeIsrProposal } from './isr-change.ts';
import type { Tenure } from './tenure.ts';

export interface IsrProposals {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly topics: readonly {
    readonly topicId: TopicId;
    readonly partitions: readonly (IsrProposal & { readonly partitionIndex: number })[];
  }[];
}

export interface IsrOutcome {
  readonly topicId: TopicId;
  readonly partitionIndex: number;
  /** The state that holds now, or why it was refused. */
  readonly outcome: LeaderAndIsr | ErrorName;
}

interface AcceptedProposal {
  readonly index: number;
  readonly partition: ControlledPartition;
  readonly leaderAndIsr: LeaderAndIsr;
}

/** The sender cannot know that its picture is old, so it is told the state again. */
const HEALED_BY_REMINDER: ReadonlySet<ErrorName> = new Set(['FENCED_LEADER_EPOCH', 'INVALID_UPDATE_VERSION']);

/**
 * One outcome per partition, in the order of the request.
 * @throws KafkaError STALE_BROKER_EPOCH when the sender is not the incarnation that is registered
 */
export async function alterPartition(tenure: Tenure, request: IsrProposals): Promise<IsrOutcome[]> {
  requireCurrentIncarnation(tenure, request, 'STALE_BROKER_EPOCH');
  const outcomes: IsrOutcome[] = [];
  const accepted: AcceptedProposal[] = [];
  for (const { topicId, partitions } of request.topics)
    for (const proposal of partitions) {
      const outcome = judge(tenure, request.brokerId, topicId, proposal);
      if (typeof outcome === 'object' && 'partition' in outcome) {
        accepted.push({ ...outcome, index: outcomes.length });
        outcomes.push({ topicId, partitionIndex: proposal.partitionIndex, outcome: outcome.leaderAndIsr });
      } else outcomes.push({ topicId, partitionIndex: proposal.partitionIndex, outcome });
    }
  await writeAccepted(tenure, accepted, outcomes);
  return outcomes;
}

type Judged = LeaderAndIsr | ErrorName | Omit<AcceptedProposal, 'index'>;

function judge(
  tenure: Tenure,
  senderId: number,
  topicId: TopicId,
  proposal: IsrProposals['topics'][number]['partitions'][number],
): Judged {
  const topic = tenure.state.topicName(topicId);
  if (topic === undefined) return 'UNKNOWN_TOPIC_ID';
  const partition = tenure.state.partition(topic, proposal.partitionIndex);
  const verdict = judgeIsrProposal(tenure.state, senderId, partition, proposal);
  if (verdict.kind === 'refused') {
    const isr = proposal.newIsr.map(({ brokerId }) => brokerId).join(',');
    tenure.logger.info(
      `Rejecting AlterPartition from node ${senderId} for ${topic}-${proposal.partitionIndex} with isr [${isr}]: ` +
        verdict.error,
    );
    if (partition !== undefined && HEALED_BY_REMINDER.has(verdict.error)) tenure.channels.remind(senderId, partition);
    return verdict.error;
  }
  if (verdict.kind === 'unchanged' || partition === undefined) return verdict.leaderAndIsr;
  return { partition, leaderAndIsr: verdict.leaderAndIsr };
}

async function writeAccepted(
  tenure: Tenure,
  accepted: readonly AcceptedProposal[],
  outcomes: IsrOutcome[],
): Promise<void> {
  if (accepted.length === 0) return;
  const writes = accepted.map(({ partition: { topic, partition }, leaderAndIsr }) => ({
    topic,
    partition,
    leaderAndIsr,
  }));
  const results = await tenure.settled(tenure.writer.updatePartitionStates(writes));
  for (const { index, partition, leaderAndIsr } of accepted) {
    const result = results.get(partition.key);
    const written = await tenure.writeIsr(partition, leaderAndIsr, result);
    const outcome = written ?? (result === 'NO_NODE' ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'INVALID_UPDATE_VERSION');
    const { topicId, partitionIndex } = outcomes[index] ?? { topicId: partition.topicId, partitionIndex: 0 };
    outcomes[index] = { topicId, partitionIndex, outcome };
  }
}

/** @throws KafkaError `error` when the broker is not, or not any more, the incarnation that is registered */
export function requireCurrentIncarnation(
  { state, logger }: Tenure,
  { brokerId, brokerEpoch }: { readonly brokerId: number; readonly brokerEpoch: number },
  unknownBrokerError: ErrorName,
): void {
  const broker = state.brokers.get(brokerId);
  if (broker?.brokerEpoch === brokerEpoch) return;
  logger.info(
    `Ignoring a request of broker ${brokerId} with epoch ${brokerEpoch}; registered is ${broker?.brokerEpoch}`,
  );
  throw new KafkaError(broker === undefined ? unknownBrokerError : 'STALE_BROKER_EPOCH');
}
