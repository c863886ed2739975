/**
 * @pure What every kind of group answers to the rules of offsets and of administration, which do not care which
 * protocol its members speak. Kafka: the interface Group.
 */
import type { ErrorName } from '../protocol/errors.ts';
import type { GroupRecord, GroupRecordValue } from '../protocol/internal/group-record.ts';

export type CommittedOffset = GroupRecordValue<'offsetCommit'>;

/** Who commits, as the request says. */
export interface Committer {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationIdOrMemberEpoch: number;
  /** Of OffsetCommit. */
  readonly version: number;
}

export interface Group {
  readonly groupId: string;
  /** As ListGroups spells it (KIP-848). */
  readonly type: 'Classic' | 'Consumer';
  /** As ListGroups and DescribeGroups spell it. */
  readonly state: string;
  /** '' for a group that only holds offsets. */
  readonly protocolTypeName: string;
  /** Has no members: may be deleted. */
  readonly isEmpty: boolean;
  /** Empty, and nobody is about to join: may go when it has no offsets any more. */
  readonly isUnused: boolean;
  /** null: may commit. */
  offsetCommitError(committer: Committer): ErrorName | null;
  /** null: may fetch. Members of KIP-848 groups name themselves from OffsetFetch v9 on. */
  offsetFetchError(memberId: string | null, memberEpoch: number): ErrorName | null;
  offsetDeleteError(): ErrorName | null;
  deleteError(): ErrorName | null;
  isSubscribedTo(topic: string): boolean;
  /** From when the retention of this offset counts, ms since 1970; null while it does not (KIP-211). */
  retentionStartMs(offset: CommittedOffset): number | null;
  /** The records that delete the group itself, without its offsets. */
  tombstones(): readonly GroupRecord[];
}
