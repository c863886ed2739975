/**
 * @pure Fetch reads record batches; consumers and follower replicas use the same request.
 *
 * v1 adds throttleTimeMs. v3 adds maxBytes, and the order of partitions begins to matter. v4 is the first that may
 * be answered with magic 2, with isolationLevel and abortedTransactions. v5 adds logStartOffset. v7 adds fetch
 * sessions (KIP-227). v9 adds currentLeaderEpoch (KIP-320). v10 allows zstd. v11 adds rackId and
 * preferredReadReplica (KIP-392). v12 is flexible and adds lastFetchedEpoch and divergingEpoch (KIP-595). v13 has
 * topic ids instead of names (KIP-516). v15 moves the replica id into replicaState with the broker epoch (KIP-903).
 * v16 adds nodeEndpoints (KIP-951). v17 adds replicaDirectoryId (KIP-853).
 *
 * Offsets that a client asks for saturate at 2^53 - 1: they are out of range, which is an answer and not a broken
 * frame.
 */
import { array, defineApi, errorCode, int32, int64, int8, records, string, struct, uuid } from '../schema.ts';

export const Fetch = defineApi({
  key: 1,
  name: 'Fetch',
  validVersions: '0-17',
  flexibleVersions: '12+',
  request: {
    clusterId: string({ versions: '12+', nullable: '12+', default: null, ignorable: true, tag: 0 }),
    replicaId: int32({ versions: '0-14', default: -1 }),
    replicaState: struct(
      {
        replicaId: int32({ default: -1 }),
        replicaEpoch: int64({ default: -1 }),
      },
      { versions: '15+', tag: 1 },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ versions: '3+', default: 0x7fffffff, ignorable: true }),
    isolationLevel: int8({ versions: '4+', default: 0, ignorable: true }),
    sessionId: int32({ versions: '7+', default: 0, ignorable: true }),
    sessionEpoch: int32({ versions: '7+', default: -1, ignorable: true }),
    topics: array({
      topic: string({ versions: '0-12', ignorable: true }),
      topicId: uuid({ versions: '13+', ignorable: true }),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ versions: '9+', default: -1, ignorable: true }),
        fetchOffset: int64({ saturating: true }),
        lastFetchedEpoch: int32({ versions: '12+', default: -1 }),
        logStartOffset: int64({ versions: '5+', default: -1, ignorable: true, saturating: true }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid({ versions: '17+', ignorable: true, tag: 0 }),
      }),
    }),
    forgottenTopicsData: array(
      {
        topic: string({ versions: '7-12', ignorable: true }),
        topicId: uuid({ versions: '13+', ignorable: true }),
        partitions: array(int32()),
      },
      { versions: '7+', default: [] },
    ),
    rackId: string({ versions: '11+', default: '', ignorable: true }),
  },
  response: {
    throttleTimeMs: int32({ versions: '1+', default: 0, ignorable: true }),
    errorCode: errorCode({ versions: '7+', ignorable: true }),
    sessionId: int32({ versions: '7+', default: 0 }),
    responses: array({
      topic: string({ versions: '0-12', ignorable: true }),
      topicId: uuid({ versions: '13+', ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        highWatermark: int64(),
        lastStableOffset: int64({ versions: '4+', default: -1, ignorable: true }),
        logStartOffset: int64({ versions: '5+', default: -1, ignorable: true }),
        divergingEpoch: struct(
          {
            epoch: int32({ default: -1 }),
            endOffset: int64({ default: -1 }),
          },
          { versions: '12+', tag: 0 },
        ),
        currentLeader: struct(
          {
            leaderId: int32({ default: -1 }),
            leaderEpoch: int32({ default: -1 }),
          },
          { versions: '12+', tag: 1 },
        ),
        snapshotId: struct(
          {
            endOffset: int64({ default: -1 }),
            epoch: int32({ default: -1 }),
          },
          { versions: '12+', tag: 2 },
        ),
        abortedTransactions: array(
          {
            producerId: int64(),
            firstOffset: int64(),
          },
          { versions: '4+', nullable: '4+', ignorable: true },
        ),
        preferredReadReplica: int32({ versions: '11+', default: -1 }),
        records: records(),
      }),
    }),
    nodeEndpoints: array(
      {
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string({ nullable: '16+', default: null }),
      },
      { versions: '16+', tag: 0 },
    ),
  },
});
