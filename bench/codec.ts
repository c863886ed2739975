/**
 * What the protocol layer costs, without sockets and disks: nanoseconds of one core for each message decoded or
 * encoded and for each batch checked. Run: node bench/codec.ts. The figures are of a warm process, the best and the
 * median of rounds.
 */
import { crc32c, slicedCrc32c } from '../src/protocol/crc32c.ts';
import { encodeRequest, encodeResponse, readRequestHeader } from '../src/protocol/frame.ts';
import { apiByKey, Fetch, Metadata, Produce, UpdateMetadata } from '../src/protocol/messages/index.ts';
import { Reader } from '../src/protocol/reader.ts';
import { batches } from '../src/protocol/records/batch.ts';
import { buildBatch } from '../src/protocol/records/build.ts';
import type { Api } from '../src/protocol/schema.ts';

const ROUNDS = 7;
const ROUND_MS = 60;

function measure(what: string, once: () => unknown): void {
  let count = 1;
  const round = (): number => {
    const startedAt = performance.now();
    for (let i = 0; i < count; i++) once();
    return performance.now() - startedAt;
  };
  while (round() < ROUND_MS) count *= 2;
  const nanoseconds = Array.from({ length: ROUNDS }, () => (round() * 1e6) / count).sort((a, b) => a - b);
  const [best = 0, median = 0] = [nanoseconds[0], nanoseconds[ROUNDS >> 1]];
  console.log(`${what.padEnd(52)}${best.toFixed(0).padStart(9)} ns best${median.toFixed(0).padStart(9)} ns median`);
}

function decode(api: Api, version: number, frame: Buffer): unknown {
  const reader = new Reader(frame, 4);
  readRequestHeader(reader, apiByKey);
  return api.requestCodec(version).read(reader);
}

const topicId = Buffer.alloc(16, 9).toString('base64url');
const numbers = (length: number) => Array.from({ length }, (_, i) => i);

for (const partitions of [1, 10]) {
  const indexes = numbers(partitions);
  const partitionData = indexes.map((index) => ({ index, records: Buffer.alloc(1000) }));
  const produce = { acks: -1, timeoutMs: 1, topicData: [{ name: 'orders', partitionData }] };
  const produceFrame = encodeRequest(Produce, 9, 7, 'client', produce);
  measure(`decode Produce v9, ${partitions} partitions`, () => decode(Produce, 9, produceFrame));
  const partitionResponses = indexes.map((index) => ({ index, errorCode: 0, baseOffset: 123456, logStartOffset: 0 }));
  const produced = { responses: [{ name: 'orders', partitionResponses }] };
  measure(`encode Produce v9, ${partitions} partitions`, () => encodeResponse(Produce, 9, 7, produced));
  const wanted = indexes.map((partition) => ({ partition, fetchOffset: 5, partitionMaxBytes: 1 << 20 }));
  const fetchFrame = encodeRequest(Fetch, 13, 7, 'client', {
    ...{ maxWaitMs: 1, minBytes: 1, topics: [{ topicId, partitions: wanted }] },
  });
  measure(`decode Fetch v13, ${partitions} partitions`, () => decode(Fetch, 13, fetchFrame));
  const fetched = indexes.map((partitionIndex) => ({
    ...{ partitionIndex, errorCode: 0, highWatermark: 99, lastStableOffset: 99, logStartOffset: 0 },
    ...{ abortedTransactions: null, records: Buffer.alloc(1000) },
  }));
  const fetchResponse = { errorCode: 0, responses: [{ topicId, partitions: fetched }] };
  measure(`encode Fetch v13, ${partitions} partitions`, () => encodeResponse(Fetch, 13, 7, fetchResponse));
}

const replicas = { replicaNodes: [1, 2, 3], isrNodes: [1, 2, 3], offlineReplicas: [] };
const metadata = {
  brokers: [{ nodeId: 1, host: 'localhost', port: 9092 }],
  topics: numbers(1000).map((t) => ({
    ...{ errorCode: 0, name: `topic-${t}`, topicId },
    partitions: [{ errorCode: 0, partitionIndex: 0, leaderId: 1, leaderEpoch: 3, ...replicas }],
  })),
};
measure('encode Metadata v12, 1000 topics', () => encodeResponse(Metadata, 12, 7, metadata));

const update = encodeRequest(UpdateMetadata, 8, 1, 'controller', {
  ...{ controllerId: 1, controllerEpoch: 1, liveBrokers: [] },
  topicStates: numbers(100).map((t) => ({
    ...{ topicName: `topic-${t}`, topicId },
    partitionStates: numbers(10).map((partitionIndex) => ({
      ...{ partitionIndex, controllerEpoch: 1, leader: 1, leaderEpoch: 3, zkVersion: 1 },
      ...{ isr: [1, 2, 3], replicas: [1, 2, 3] },
    })),
  })),
});
measure('decode UpdateMetadata v8, 1000 partitions', () => decode(UpdateMetadata, 8, update));

for (const size of [100, 1000, 16_000]) {
  const batch = buildBatch({ records: [{ key: null, value: Buffer.alloc(size), timestampMs: 5 }] });
  measure(`check a batch of ${size} bytes and give it its offset`, () => {
    for (const view of batches(batch)) {
      if (!view.isCrcValid() || view.hasUnknownAttributes || view.hasProducerId) throw new Error('not the batch');
      view.baseOffset = 9;
      view.partitionLeaderEpoch = 3;
    }
  });
}
for (const size of [64, 256, 1024]) {
  const bytes = Buffer.alloc(size, 7);
  measure(`crc32c of ${size} bytes`, () => crc32c(bytes));
  measure(`crc32c of ${size} bytes by tables`, () => slicedCrc32c(bytes, 0, size));
}
