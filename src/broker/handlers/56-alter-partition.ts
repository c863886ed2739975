/**
 * AlterPartition v3: a leader proposes an ISR to the controller.
 *
 * Behaviour: STALE_BROKER_EPOCH for all of it when the sender is not the incarnation that is registered. For each
 * partition, in this order: unknown, NOT_CONTROLLER when the leader knows more than this controller,
 * FENCED_LEADER_EPOCH, success if it is so already, INVALID_UPDATE_VERSION, INVALID_REQUEST, INELIGIBLE_REPLICA
 * (KIP-841, KIP-903), and then what is written. Not the controller: NOT_CONTROLLER for all of it.
 */
import type { IsrOutcome } from '../../controller/isr-requests.ts';
import { type LeaderAndIsr, LeaderRecoveryState, NO_LEADER } from '../../model/leader-and-isr.ts';
import type { TopicId } from '../../model/topic-partition.ts';
import { Errors } from '../../protocol/errors.ts';
import { AlterPartition } from '../../protocol/messages/56-alter-partition.ts';
import type { ResponseOf } from '../../protocol/schema.ts';
import { handler } from '../handler.ts';

type PartitionResponse = ResponseOf<typeof AlterPartition>['topics'][number]['partitions'][number];

export const alterPartition = handler(
  AlterPartition,
  { versions: '3', onError: (_request, error) => ({ errorCode: Errors[error], topics: [] }) },
  async ({ broker }, { brokerId, brokerEpoch, topics }) => {
    const proposals = topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ newIsrWithEpochs, ...partition }) => ({ ...partition, newIsr: newIsrWithEpochs })),
    }));
    const outcomes = await broker.controller.alterPartition({ brokerId, brokerEpoch, topics: proposals });
    const answers = new Map<TopicId, PartitionResponse[]>();
    for (const outcome of outcomes) {
      const partitions = answers.get(outcome.topicId) ?? [];
      answers.set(outcome.topicId, partitions);
      partitions.push(responseOf(outcome));
    }
    return {
      errorCode: Errors.NONE,
      topics: [...answers].map(([topicId, partitions]) => ({ topicId, partitions })),
    };
  },
);

const NO_STATE: Pick<LeaderAndIsr, 'leader' | 'leaderEpoch' | 'isr' | 'leaderRecoveryState' | 'partitionEpoch'> = {
  leader: NO_LEADER,
  leaderEpoch: 0,
  isr: [],
  leaderRecoveryState: LeaderRecoveryState.RECOVERED,
  partitionEpoch: 0,
};

function responseOf({ partitionIndex, outcome }: IsrOutcome): PartitionResponse {
  const isRefused = typeof outcome === 'string';
  const { leader, leaderEpoch, isr, leaderRecoveryState, partitionEpoch } = isRefused ? NO_STATE : outcome;
  const errorCode = isRefused ? Errors[outcome] : Errors.NONE;
  return { partitionIndex, errorCode, leaderId: leader, leaderEpoch, isr, leaderRecoveryState, partitionEpoch };
}
