/**
 * @pure The answers of the classic protocol, as its rules need them. Fields that an old version of an answer does not
 * have are left away by the codec; protocolName of JoinGroup may not be null before v7, so errors say ''.
 */
import { Errors, type ErrorName } from '../protocol/errors.ts';
import type { JoinGroup } from '../protocol/messages/11-join-group.ts';
import type { SyncGroup } from '../protocol/messages/14-sync-group.ts';
import type { ResponseOf } from '../protocol/schema.ts';
import type { ClassicGroup } from './classic-group.ts';
import { NO_BYTES } from './classic-group-member.ts';

/** What stands for the id that a member does not have yet. */
export const UNKNOWN_MEMBER = '';
/** What stands for the leader where there is none to name. */
const NO_LEADER = '';

export type JoinGroupAnswer = ResponseOf<typeof JoinGroup>;
export type SyncGroupAnswer = ResponseOf<typeof SyncGroup>;

export function joinRefused(error: ErrorName, memberId: string): JoinGroupAnswer {
  return { errorCode: Errors[error], protocolName: '', leader: NO_LEADER, memberId, members: [] };
}

/** The group's current generation, for one of its members; what all members said goes to the one that assigns. */
export function joined(group: ClassicGroup, memberId: string, skipAssignment = false): JoinGroupAnswer {
  return {
    errorCode: Errors.NONE,
    generationId: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leaderId ?? NO_LEADER,
    skipAssignment,
    memberId,
    members: group.isLeader(memberId)
      ? Array.from(group.members, (member) => ({
          memberId: member.memberId,
          groupInstanceId: member.groupInstanceId,
          metadata: member.metadata(group.protocolName) ?? NO_BYTES,
        }))
      : [],
  };
}

export function syncRefused(error: ErrorName): SyncGroupAnswer {
  return { errorCode: Errors[error], assignment: NO_BYTES };
}

export function synced(group: ClassicGroup, assignment: Buffer): SyncGroupAnswer {
  const { protocolType, protocolName } = group;
  return { errorCode: Errors.NONE, protocolType, protocolName, assignment };
}
