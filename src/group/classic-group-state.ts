/**
 * @pure The states of a classic group, what each answers, and which may follow which. Kafka: ClassicGroupState.
 *
 * In every state OffsetFetch is answered, and a request that does not name a member of the group (UNKNOWN_MEMBER_ID),
 * names a static member by an old id (FENCED_INSTANCE_ID) or another generation (ILLEGAL_GENERATION) is refused.
 */

export type ClassicGroupState =
  /**
   * No members. It stays as long as it has offsets; groups that were only ever committed to are always Empty.
   *
   * JoinGroup of a new member: begins the first rebalance, which waits group.initial.rebalance.delay.ms for others.
   * JoinGroup with an id, SyncGroup, Heartbeat, LeaveGroup: UNKNOWN_MEMBER_ID.
   * OffsetCommit: taken without generation (a simple consumer, an administrator); else UNKNOWN_MEMBER_ID.
   * OffsetDelete, DeleteGroups: done. Offsets expire when the group has been Empty for the retention time.
   */
  | 'Empty'
  /**
   * Waits until every member has joined (again), or for the longest rebalance timeout of them.
   *
   * JoinGroup: waits; GROUP_MAX_SIZE_REACHED for one more than group.max.size that wait.
   * SyncGroup: REBALANCE_IN_PROGRESS. Heartbeat: counts, and REBALANCE_IN_PROGRESS asks to join.
   * LeaveGroup: done; the rebalance may be complete by it.
   * OffsetCommit of the old generation: taken, members commit before they give up partitions.
   * OffsetDelete: of topics that a consumer group does not read; other protocol types NON_EMPTY_GROUP.
   * DeleteGroups: NON_EMPTY_GROUP.
   */
  | 'PreparingRebalance'
  /**
   * A generation began; waits for its leader's assignment.
   *
   * JoinGroup of a member with the metadata it has: the same answer again (it was lost). With other metadata, or of
   * a new member: another rebalance.
   * SyncGroup: waits; the leader's is stored, and then all are answered. Heartbeat: NONE.
   * LeaveGroup: another rebalance, the waiting SyncGroups get REBALANCE_IN_PROGRESS.
   * OffsetCommit: REBALANCE_IN_PROGRESS, nobody owns anything yet.
   * OffsetDelete, DeleteGroups: as in PreparingRebalance.
   * Members that do not sync within the rebalance timeout are removed.
   */
  | 'CompletingRebalance'
  /**
   * Everybody can have its assignment.
   *
   * JoinGroup of the leader, or of any member with other metadata, or of a new one: a rebalance. Of a follower with
   * the metadata it has: the answer of this generation. Of a static member that lost its id: takes its place, and
   * only if the selected protocol changes by it a rebalance.
   * SyncGroup: the assignment. Heartbeat: NONE. LeaveGroup: a rebalance.
   * OffsetCommit: taken. OffsetDelete, DeleteGroups: as in PreparingRebalance.
   * Offsets expire by their age, of topics that the members do not read.
   */
  | 'Stable'
  /** Was deleted; only what still holds a reference can see it. Everything: COORDINATOR_NOT_AVAILABLE, ask again. */
  | 'Dead';

const MAY_FOLLOW: Readonly<Record<ClassicGroupState, readonly ClassicGroupState[]>> = {
  Empty: ['PreparingRebalance', 'Dead'],
  PreparingRebalance: ['CompletingRebalance', 'Empty', 'Dead'],
  CompletingRebalance: ['Stable', 'PreparingRebalance', 'Dead'],
  Stable: ['PreparingRebalance', 'Dead'],
  Dead: ['Dead'],
};

export function mayFollow(from: ClassicGroupState, to: ClassicGroupState): boolean {
  return MAY_FOLLOW[from].includes(to);
}
