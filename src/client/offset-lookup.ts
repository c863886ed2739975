/**
 * Offsets by timestamp, asked of each partition's leader (ListOffsets). Timestamps below zero name places: -1 the
 * end, -2 the start, -3 the record with the largest timestamp.
 */
import { type ErrorName, errorName } from '../protocol/errors.ts';
import { ListOffsets } from '../protocol/messages/index.ts';
import type { ClusterClient, Node } from './cluster-client.ts';

export const LATEST_TIMESTAMP = -1;
export const EARLIEST_TIMESTAMP = -2;
export const MAX_TIMESTAMP = -3;

export interface OffsetQuestion {
  readonly topic: string;
  readonly partition: number;
  readonly timestampMs: number;
}

export interface OffsetAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly error: ErrorName;
  /** -1 when no record is that late. */
  readonly offset: number;
}

const CONSUMER_REPLICA_ID = -1;
const READ_COMMITTED = 1;

/** One request to that broker. @throws ConnectionError */
export async function lookUpOffsets(
  cluster: ClusterClient,
  leader: Node,
  questions: readonly OffsetQuestion[],
  isReadCommitted = false,
): Promise<OffsetAnswer[]> {
  const byTopic = Map.groupBy(questions, ({ topic }) => topic);
  const topics = [...byTopic].map(([name, of]) => ({
    name,
    partitions: of.map(({ partition, timestampMs }) => ({ partitionIndex: partition, timestamp: timestampMs })),
  }));
  const isolation = isReadCommitted ? { isolationLevel: READ_COMMITTED } : {};
  const response = await cluster.send(leader, ListOffsets, { replicaId: CONSUMER_REPLICA_ID, ...isolation, topics });
  return response.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, errorCode, offset }) => ({
      topic: name,
      partition: partitionIndex,
      error: errorName(errorCode),
      offset,
    })),
  );
}
