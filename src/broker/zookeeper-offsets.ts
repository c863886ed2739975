/**
 * The port to the offsets of consumers of before Kafka 0.9, which live in ZooKeeper and which OffsetCommit and
 * OffsetFetch v0 still read and write there.
 */
import type { ErrorName } from '../protocol/errors.ts';

export interface ZooKeeperOffsets {
  /** Null when nothing was committed; an error when ZooKeeper did not answer. Never rejects. */
  read(groupId: string, topic: string, partition: number): Promise<number | null | ErrorName>;
  /** NONE when it is written. Never rejects. */
  write(groupId: string, topic: string, partition: number, offset: number): Promise<ErrorName>;
}
