/**
 * @pure How far groups are behind, as a broker sees it: for every committed offset of a partition that this broker
 * leads. What a client's tools compute from two brokers' answers, without asking anybody.
 */
export interface GroupOffset {
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
  /** The next record that the group will read. */
  readonly offset: number;
}

export interface LogEnd {
  readonly logEndOffset: number;
  readonly lastStableOffset: number;
}

export interface GroupLag extends GroupOffset {
  readonly logEndOffset: number;
  readonly lastStableOffset: number;
  /** Records that the group has not committed yet, those that are not replicated yet included. */
  readonly lag: number;
  /** The same for consumers that only see what is committed and belongs to no open transaction. */
  readonly stableLag: number;
}

/** @param endOf undefined for a partition that this broker does not lead */
export function* groupLags(
  offsets: Iterable<GroupOffset>,
  endOf: (topic: string, partition: number) => LogEnd | undefined,
): Generator<GroupLag, void, undefined> {
  for (const { groupId, topic, partition, offset } of offsets) {
    const end = endOf(topic, partition);
    if (end === undefined) continue;
    const { logEndOffset, lastStableOffset } = end;
    // A log may have been cut by an unclean election: then the group is ahead of it, and behind by nothing.
    const lag = Math.max(0, logEndOffset - offset);
    const stableLag = Math.max(0, lastStableOffset - offset);
    yield { groupId, topic, partition, offset, logEndOffset, lastStableOffset, lag, stableLag };
  }
}
