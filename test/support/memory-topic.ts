/**
 * A topic kept in memory behind scripted brokers, for tests of clients: it takes batches, gives offsets, notices
 * repeated sequences, and serves fetches. A test may make it fail: an error instead of an append, a reply that is lost,
 * a new leader.
 */
import { Errors } from '../../src/protocol/errors.ts';
import { Fetch, InitProducerId, ListOffsets, Metadata, Produce } from '../../src/protocol/messages/index.ts';
import { batches } from '../../src/protocol/records/batch.ts';
import { openBatch } from '../../src/protocol/records/open.ts';
import { ScriptedBroker } from './scripted-broker.ts';

interface StoredPartition {
  leader: number;
  startOffset: number;
  endOffset: number;
  stored: Buffer[];
  /** producerId → next sequence. */
  readonly sequences: Map<number, number>;
}

export const MEMORY_TOPIC_ID = 'NPmZHyhbR9y00wMglMH2sg';

export class MemoryTopic {
  readonly name: string;
  readonly brokers: ScriptedBroker[] = [];
  readonly partitions: StoredPartition[];
  /** Errors for the next batches, in order; 'lost' appends and closes the connection. */
  readonly produceFailures: (number | 'lost')[] = [];
  readonly acks: number[] = [];
  /** Metadata answers before the topic is there. */
  metadataFailures: number[] = [];
  #nextProducerId = 100;

  constructor(name: string, partitionCount: number, brokerCount: number) {
    this.name = name;
    this.partitions = Array.from({ length: partitionCount }, (_, index) => ({
      leader: (index % brokerCount) + 1,
      startOffset: 0,
      endOffset: 0,
      stored: [],
      sequences: new Map(),
    }));
    for (let id = 1; id <= brokerCount; id++) this.brokers.push(this.#broker(id));
  }

  static async start(name: string, partitionCount: number, brokerCount = 1): Promise<MemoryTopic> {
    const topic = new MemoryTopic(name, partitionCount, brokerCount);
    await Promise.all(topic.brokers.map((broker) => broker.listen()));
    return topic;
  }

  async close(): Promise<void> {
    for (const broker of this.brokers) await broker.close();
  }

  get bootstrap(): string {
    return this.brokers.map(({ address }) => address).join(',');
  }

  /** The values in a partition, in order. */
  values(partition: number): string[] {
    return this.records(partition).map(({ value }) => value?.toString() ?? 'null');
  }

  records(partition: number) {
    const bytes = Buffer.concat(this.partitions[partition]?.stored ?? []);
    return [...batches(bytes)].flatMap((batch) => openBatch(batch));
  }

  /** Appends a batch whose base offset is set here. */
  append(index: number, batch: Buffer): number {
    const partition = this.#partition(index);
    const copy = Buffer.from(batch);
    for (const view of batches(copy)) {
      view.baseOffset = partition.endOffset;
      partition.endOffset = view.nextOffset;
    }
    partition.stored.push(copy);
    return partition.endOffset;
  }

  #partition(index: number): StoredPartition {
    const partition = this.partitions[index];
    if (partition === undefined) throw new Error(`${this.name} has no partition ${index}`);
    return partition;
  }

  #broker(id: number): ScriptedBroker {
    return new ScriptedBroker()
      .on(Metadata, ({ topics }) => this.#metadata(topics?.map(({ name }) => name ?? '') ?? [this.name]))
      .on(InitProducerId, () => ({ errorCode: 0, producerId: this.#nextProducerId++, producerEpoch: 0 }))
      .on(Produce, ({ acks, topicData }) => {
        this.acks.push(acks);
        let isLost = false;
        const partitionResponses = (topicData[0]?.partitionData ?? []).map(({ index, records }) => {
          const failure = this.produceFailures.shift();
          if (typeof failure === 'number') return { index, errorCode: failure, baseOffset: -1 };
          if (failure === 'lost') isLost = true;
          return { index, ...this.#produce(id, index, records ?? Buffer.alloc(0)) };
        });
        if (isLost) return null;
        return acks === 0 ? undefined : { responses: [{ name: this.name, partitionResponses }] };
      })
      .on(ListOffsets, ({ topics }) => ({
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex, timestamp }) => {
            const { leader, startOffset, endOffset } = this.#partition(partitionIndex);
            const errorCode = leader === id ? 0 : Errors.NOT_LEADER_OR_FOLLOWER;
            return { partitionIndex, errorCode, offset: timestamp === -2 ? startOffset : endOffset };
          }),
        })),
      }))
      .on(Fetch, async ({ topics, maxWaitMs, maxBytes }) => {
        const answer = () => {
          let bytesLeft = maxBytes;
          return (topics[0]?.partitions ?? []).map(({ partition, fetchOffset, partitionMaxBytes }) => {
            const limit = { maxBytes: Math.min(bytesLeft, partitionMaxBytes), isFirst: bytesLeft === maxBytes };
            const fetched = this.#fetch(id, partition, fetchOffset, limit);
            bytesLeft -= fetched.records.length;
            return fetched;
          });
        };
        const isEmpty = answer().every(({ errorCode, records }) => errorCode === 0 && records.length === 0);
        if (isEmpty) await new Promise((resolve) => setTimeout(resolve, Math.min(maxWaitMs, 20)));
        return { errorCode: 0, responses: [{ topic: this.name, topicId: MEMORY_TOPIC_ID, partitions: answer() }] };
      });
  }

  #metadata(names: readonly string[]) {
    const errorCode = names.includes(this.name) ? (this.metadataFailures.shift() ?? 0) : 0;
    const partitions = this.partitions.map(({ leader }, partitionIndex) => ({
      errorCode: 0,
      partitionIndex,
      leaderId: leader,
      leaderEpoch: 0,
      replicaNodes: [leader],
      isrNodes: [leader],
      offlineReplicas: [],
    }));
    return {
      brokers: this.brokers.map(({ port }, index) => ({ nodeId: index + 1, host: '127.0.0.1', port })),
      controllerId: 1,
      topics: names.map((name) => ({
        name,
        topicId: MEMORY_TOPIC_ID,
        errorCode: name === this.name ? errorCode : Errors.UNKNOWN_TOPIC_OR_PARTITION,
        partitions: name === this.name && errorCode === 0 ? partitions : [],
      })),
    };
  }

  #produce(brokerId: number, index: number, records: Buffer): { errorCode: number; baseOffset: number } {
    const partition = this.#partition(index);
    if (partition.leader !== brokerId) return { errorCode: Errors.NOT_LEADER_OR_FOLLOWER, baseOffset: -1 };
    for (const { producerId, baseSequence, recordCount } of batches(records)) {
      if (producerId < 0) continue;
      const expected = partition.sequences.get(producerId) ?? 0;
      if (baseSequence < expected) return { errorCode: Errors.DUPLICATE_SEQUENCE_NUMBER, baseOffset: -1 };
      if (baseSequence > expected) return { errorCode: Errors.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1 };
      partition.sequences.set(producerId, baseSequence + recordCount);
    }
    const baseOffset = partition.endOffset;
    this.append(index, records);
    return { errorCode: 0, baseOffset };
  }

  /** The first batch of an answer comes whole, whatever its size. */
  #fetch(brokerId: number, index: number, fetchOffset: number, limit: { maxBytes: number; isFirst: boolean }) {
    const { leader, startOffset, endOffset, stored } = this.#partition(index);
    const answer = (errorCode: number, records: Buffer) => ({
      partitionIndex: index,
      errorCode,
      highWatermark: endOffset,
      abortedTransactions: [],
      records,
    });
    const nothing = Buffer.alloc(0);
    if (leader !== brokerId) return answer(Errors.NOT_LEADER_OR_FOLLOWER, nothing);
    if (fetchOffset < startOffset || fetchOffset > endOffset) return answer(Errors.OFFSET_OUT_OF_RANGE, nothing);
    const from = stored.filter((bytes) => [...batches(bytes)].some((batch) => batch.lastOffset >= fetchOffset));
    const fitting: Buffer[] = [];
    let bytesLeft = limit.maxBytes;
    for (const batch of from) {
      const isFirst = limit.isFirst && fitting.length === 0;
      if (batch.length > bytesLeft && !isFirst) break;
      fitting.push(batch);
      bytesLeft -= batch.length;
    }
    return answer(0, Buffer.concat(fitting));
  }
}
