/** @pure The port through which a leader asks for an ISR change; who stores it, and how, is not its business. */
import type { LeaderAndIsr } from '../model/leader-and-isr.ts';
import type { TopicId } from '../model/topic-partition.ts';
import type { ErrorName } from '../protocol/errors.ts';
import type { IsrProposal } from './partition-state.ts';

export interface IsrChange {
  readonly topicId: TopicId;
  readonly topic: string;
  readonly partition: number;
  readonly proposal: IsrProposal;
  /** False when the leadership that asked has ended: then the change is dropped without an answer. */
  isWanted(): boolean;
  onAccepted(state: LeaderAndIsr): void;
  /** The change was refused, or nobody knows what became of it. */
  onFailed(error: ErrorName): void;
}

export interface IsrStore {
  /**
   * At most one change of a partition is wanted at a time; a newer one takes the place of one that was not sent yet.
   */
  propose(change: IsrChange): void;
}
