/**
 * Sends records to the leaders of one topic's partitions: batches, acks, retries, idempotence (Kafka's KafkaProducer
 * and Sender, for one topic).
 *
 * Guarantees: per partition records arrive in the order they were given; with idempotence (acks=all) each arrives once
 * however often it is sent; every record's callback is called once, with its place or what became of it. At most one
 * request is on its way to a broker, at most one batch of a partition.
 */
import type { Timer } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import { ConnectionError } from '../net/broker-client.ts';
import { Errors, isRetriable } from '../protocol/errors.ts';
import { InitProducerId, Produce } from '../protocol/messages/index.ts';
import { buildBatch, type NewRecord } from '../protocol/records/build.ts';
import type { CompressionType } from '../protocol/records/codecs.ts';
import { ApiError } from './api-error.ts';
import { BatchQueue, type Delivered, type PendingBatch } from './batch-queue.ts';
import type { ClusterClient, Node } from './cluster-client.ts';
import { partitionOfKey, StickyPartitioner } from './partitioner.ts';
import { TopicLeaders } from './topic-leaders.ts';

export interface ProducerSettings {
  readonly topic: string;
  readonly acks: -1 | 0 | 1;
  readonly isIdempotent: boolean;
  readonly compression: CompressionType;
  readonly batchSizeBytes: number;
  readonly lingerMs: number;
  readonly retries: number;
  readonly retryBackoffMs: number;
  readonly requestTimeoutMs: number;
  readonly deliveryTimeoutMs: number;
  readonly maxBlockMs: number;
  readonly maxRequestBytes: number;
  readonly bufferBytes: number;
  readonly metadataMaxAgeMs: number;
}

/** For the partition that is named or, when none is, the one that its key or the partitioner chooses. */
export type RecordToSend = NewRecord & { readonly partition?: number | null };

/** Kafka's estimate of what a record needs in a batch besides its key and value. */
const RECORD_OVERHEAD_BYTES = 21;
const BATCH_OVERHEAD_BYTES = 61;
/** A small record is some hundred bytes of objects here: buffer.memory alone would let them grow to a gigabyte. */
const MAX_PENDING_RECORDS = 50_000;

/** As the broker tells it: a time below zero when the records keep their own. */
interface BatchPlace {
  readonly baseOffset: number;
  readonly logAppendTimeMs: number;
}
const UNTOLD: BatchPlace = { baseOffset: -1, logAppendTimeMs: -1 };

export class RecordProducer {
  readonly #cluster: ClusterClient;
  readonly #settings: ProducerSettings;
  readonly #leaders: TopicLeaders;
  readonly #partitioner: StickyPartitioner;
  readonly #queues: BatchQueue[] = [];
  readonly #busyBrokers = new Set<number>();
  readonly #waitingForRoom: { readonly sizeBytes: number; readonly enter: () => void }[] = [];
  readonly #waitingForEnd: (() => void)[] = [];
  #producer: { producerId: number; producerEpoch: number } | null = null;
  #bufferedBytes = 0;
  #pendingRecords = 0;
  #isFlushing = false;
  #isClosed = false;
  #abortedBy: Error | null = null;
  #timer: Timer | null = null;

  constructor(cluster: ClusterClient, settings: ProducerSettings, random: Random) {
    this.#cluster = cluster;
    this.#settings = settings;
    this.#leaders = new TopicLeaders(cluster, settings);
    this.#partitioner = new StickyPartitioner(random, settings.batchSizeBytes);
  }

  /**
   * Takes a record. Resolves when it is in the buffer, which may mean waiting for room or for metadata; what becomes
   * of it is told to `delivered`.
   */
  async send(record: RecordToSend, delivered: Delivered): Promise<void> {
    const sizeBytes = sizeOf(record);
    const { maxRequestBytes } = this.#settings;
    if (sizeBytes + BATCH_OVERHEAD_BYTES > maxRequestBytes) {
      const message =
        `The message is ${sizeBytes + BATCH_OVERHEAD_BYTES} bytes when serialized which is larger than ` +
        `${maxRequestBytes}, which is the value of the max.request.size configuration.`;
      return delivered(new ApiError('RecordTooLargeException', message), null);
    }
    const failure = await this.#whenPlaceable(record.partition ?? null);
    if (failure !== null) return delivered(failure, null);
    const isFirst = this.#waitingForRoom.length === 0;
    if (isFirst && this.#hasRoom(sizeBytes)) {
      this.#add(record, sizeBytes, delivered);
      this.#pump();
      return;
    }
    // A smaller one that comes later waits behind it all the same: order is kept.
    await new Promise<void>((resolve) => {
      const enter = (): void => {
        this.#add(record, sizeBytes, delivered);
        resolve();
      };
      this.#waitingForRoom.push({ sizeBytes, enter });
    });
    this.#pump();
  }

  #add(record: RecordToSend, sizeBytes: number, delivered: Delivered): void {
    if (this.#abortedBy !== null) {
      delivered(this.#abortedBy, null);
      return;
    }
    this.#bufferedBytes += sizeBytes;
    this.#pendingRecords++;
    const done: Delivered = (becameOfIt, place) => {
      this.#release(sizeBytes);
      delivered(becameOfIt, place);
    };
    this.#queue(this.#partitionOf(record, sizeBytes)).add(record, sizeBytes, done, this.#cluster.clock.monotonicMs());
  }

  #hasRoom(sizeBytes: number): boolean {
    if (this.#pendingRecords === 0 || this.#abortedBy !== null) return true;
    return this.#bufferedBytes + sizeBytes <= this.#settings.bufferBytes && !this.#hasMany();
  }

  /** Resolves with null when the partition is known, any when none is named; else with why there is none. */
  async #whenPlaceable(partition: number | null): Promise<ApiError | null> {
    const { topic, maxBlockMs } = this.#settings;
    try {
      await this.#leaders.whenKnown();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const message = `Topic ${topic} not present in metadata after ${maxBlockMs} ms.`;
      return error.exception === 'TimeoutException' ? new ApiError('TimeoutException', message) : error;
    }
    if (partition === null || partition < this.#leaders.partitionCount) return null;
    // It may have been added since; once more, instead of as long as Java would.
    await this.#leaders.refresh();
    const { partitionCount } = this.#leaders;
    if (partition < partitionCount) return null;
    const message =
      `Partition ${partition} of topic ${topic} with partition count ${partitionCount} ` +
      'is not present in metadata.';
    return new ApiError('TimeoutException', message);
  }

  #hasMany(): boolean {
    return this.#pendingRecords >= MAX_PENDING_RECORDS;
  }

  /** Sends everything now; resolves when each record's callback was called. */
  async flush(): Promise<void> {
    this.#isFlushing = true;
    this.#pump();
    while (this.#pendingRecords > 0) await new Promise<void>((resolve) => this.#waitingForEnd.push(resolve));
    this.#isFlushing = false;
  }

  /** Waiting may be in vain: brokers were tried, and none is connected. */
  get isCutOff(): boolean {
    return this.#cluster.isCutOff;
  }

  /** Records that have neither arrived nor failed. */
  get pendingRecords(): number {
    return this.#pendingRecords;
  }

  /** What is pending is not sent any more, nor is anything said of it. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#cluster.close();
  }

  /**
   * What is pending is not sent any more, and is told so, what is on its way when it is known not to have arrived. The
   * connections stay: others use them.
   */
  abort(failure: Error): void {
    this.#abortedBy = failure;
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const queue of this.#queues) {
      if (queue === undefined) continue;
      for (let batch = queue.expire(Infinity); batch !== null; batch = queue.expire(Infinity))
        this.#giveUp(batch, failure);
    }
  }

  #partitionOf({ key, partition }: RecordToSend, sizeBytes: number): number {
    if (partition !== undefined && partition !== null) return partition;
    const count = this.#leaders.partitionCount;
    return key === null
      ? this.#partitioner.choose(this.#leaders.partitionsWithLeader, count, sizeBytes)
      : partitionOfKey(key, count);
  }

  #queue(partition: number): BatchQueue {
    let queue = this.#queues[partition];
    if (queue === undefined) {
      queue = new BatchQueue(partition, this.#settings.batchSizeBytes);
      this.#queues[partition] = queue;
    }
    return queue;
  }

  #release(sizeBytes: number): void {
    this.#bufferedBytes -= sizeBytes;
    this.#pendingRecords--;
    this.#letIn();
    if (this.#pendingRecords === 0) for (const resume of this.#waitingForEnd.splice(0)) resume();
  }

  /** Those who wait for room, as far as there is some. What they bring is sent later: this is called while sending. */
  #letIn(): void {
    for (;;) {
      const [first] = this.#waitingForRoom;
      if (first === undefined || !this.#hasRoom(first.sizeBytes)) return;
      this.#waitingForRoom.shift();
      first.enter();
    }
  }

  /** Sends what is due to brokers that are idle, and sets the timer for what comes next. */
  #pump(): void {
    this.#timer?.cancel();
    if (this.#isClosed) return;
    const nowMs = this.#cluster.clock.monotonicMs();
    const due = new Map<number, BatchQueue[]>();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const queue of this.#queues) {
      if (queue === undefined) continue;
      this.#expire(queue, nowMs);
      const dueMs = queue.dueMs(this.#settings.lingerMs, this.#isFlushing);
      if (dueMs === null) continue;
      const leader = this.#leaders.leaderOf(queue.partition);
      nextMs = Math.min(nextMs, (queue.oldestMs ?? nowMs) + this.#settings.deliveryTimeoutMs);
      if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs);
      else if (leader === null) this.#refreshLeaders();
      else if (!this.#busyBrokers.has(leader.id)) due.set(leader.id, [...(due.get(leader.id) ?? []), queue]);
    }
    if (nextMs < Number.POSITIVE_INFINITY)
      this.#timer = this.#cluster.clock.schedule(Math.max(nextMs - nowMs, 1), () => this.#pump());
    for (const [brokerId, queues] of due) void this.#sendTo(brokerId, queues);
  }

  #expire(queue: BatchQueue, nowMs: number): void {
    const { deliveryTimeoutMs, topic } = this.#settings;
    for (let batch = queue.expire(nowMs - deliveryTimeoutMs); batch; batch = queue.expire(nowMs - deliveryTimeoutMs)) {
      const message =
        `Expiring ${batch.records.length} record(s) for ${topic}-${queue.partition}:` +
        `${deliveryTimeoutMs} ms has passed since batch creation`;
      this.#endSequenceOf(batch);
      this.#giveUp(batch, new ApiError('TimeoutException', message));
    }
  }

  #refreshLeaders(): void {
    // Whether it succeeded shows in the leaders; a failure has been printed and leads to the next try.
    void this.#leaders.refresh().then(() => this.#pump());
  }

  /** One request with the first batch of each partition. Never rejects. */
  async #sendTo(brokerId: number, queues: readonly BatchQueue[]): Promise<void> {
    this.#busyBrokers.add(brokerId);
    const batches = new Map<number, PendingBatch>();
    for (const queue of queues) {
      const batch = queue.take();
      if (batch !== null) batches.set(queue.partition, batch);
    }
    try {
      if (await this.#prepare(brokerId)) await this.#produce(this.#leaders.nodeById(brokerId), batches);
      else for (const [partition, batch] of batches) this.#putBack(partition, batch);
    } catch (error) {
      const isKnown = error instanceof ApiError || error instanceof ConnectionError;
      const failure = isKnown ? error : new ApiError('KafkaException', String(error));
      for (const [partition, batch] of batches) this.#onFailure(partition, batch, failure);
    }
    this.#busyBrokers.delete(brokerId);
    this.#pump();
  }

  /**
   * Makes the connection and gets a producer id, where needed. False when that should be tried again later, which
   * does not count as a try of the batches: nothing of them was sent.
   */
  async #prepare(brokerId: number): Promise<boolean> {
    const node = this.#leaders.nodeById(brokerId);
    try {
      await this.#cluster.versionsOf(node);
      if (this.#settings.isIdempotent) await this.#requireProducerId();
      return true;
    } catch (error) {
      if (error instanceof ConnectionError) await this.#cluster.warnUnreachable(node);
      else if (!(error instanceof ApiError && mayPass(error))) throw error;
      await this.#leaders.refresh();
      return false;
    }
  }

  #putBack(partition: number, batch: PendingBatch): void {
    if (this.#abortedBy !== null) {
      this.#queue(partition).settle();
      this.#giveUp(batch, this.#abortedBy);
      return;
    }
    batch.retryAtMs = this.#cluster.clock.monotonicMs() + this.#settings.retryBackoffMs;
    this.#queue(partition).putBack(batch);
  }

  async #produce(node: Node, batches: ReadonlyMap<number, PendingBatch>): Promise<void> {
    const { topic, acks, requestTimeoutMs } = this.#settings;
    const partitionData = [...batches].map(([index, batch]) => ({ index, records: this.#encode(index, batch) }));
    const request = { acks, timeoutMs: requestTimeoutMs, topicData: [{ name: topic, partitionData }] };
    if (acks === 0) {
      await this.#cluster.post(node, Produce, request);
      for (const [partition, batch] of batches) this.#onDelivered(partition, batch, UNTOLD);
      return;
    }
    const { responses } = await this.#cluster.send(node, Produce, request, requestTimeoutMs);
    const answers = new Map(responses.flatMap((of) => of.partitionResponses).map((answer) => [answer.index, answer]));
    for (const [partition, batch] of batches) {
      const answer = answers.get(partition);
      const errorCode = answer?.errorCode ?? Errors.UNKNOWN_SERVER_ERROR;
      // The broker has it already: an earlier sending arrived and its answer was lost.
      if (errorCode === Errors.NONE || errorCode === Errors.DUPLICATE_SEQUENCE_NUMBER)
        this.#onDelivered(partition, batch, answer ?? UNTOLD);
      else this.#onFailure(partition, batch, ApiError.of(errorCode, answer?.errorMessage ?? null));
    }
  }

  #encode(partition: number, batch: PendingBatch): Buffer {
    const queue = this.#queue(partition);
    if (batch.stamp === null && this.#producer !== null) {
      const { producerId, producerEpoch } = this.#producer;
      if (queue.sequenceOfProducerId !== producerId) {
        queue.sequenceOfProducerId = producerId;
        queue.nextSequence = 0;
      }
      batch.stamp = { producerId, producerEpoch, baseSequence: queue.nextSequence };
      queue.nextSequence += batch.records.length;
    }
    batch.attempts++;
    return buildBatch({ records: batch.records, compression: this.#settings.compression, ...(batch.stamp ?? {}) });
  }

  #onDelivered(partition: number, batch: PendingBatch, { baseOffset, logAppendTimeMs }: BatchPlace): void {
    this.#queue(partition).settle();
    for (const [index, delivered] of batch.delivered.entries()) {
      const offset = baseOffset < 0 ? -1 : baseOffset + index;
      const timestampMs = logAppendTimeMs < 0 ? (batch.records[index]?.timestampMs ?? -1) : logAppendTimeMs;
      delivered(null, { partition, offset, timestampMs });
    }
  }

  #onFailure(partition: number, batch: PendingBatch, failure: ApiError | ConnectionError): void {
    const { retries, deliveryTimeoutMs } = this.#settings;
    const ageMs = this.#cluster.clock.monotonicMs() - batch.createdMs;
    const isLost = failure instanceof ConnectionError;
    if (isLost || mayPass(failure)) {
      void this.#leaders.refresh();
      if (batch.attempts <= retries && ageMs < deliveryTimeoutMs) {
        this.#putBack(partition, batch);
        return;
      }
    }
    if (isTooLarge(failure) && batch.records.length > 1 && this.#abortedBy === null) {
      this.#split(partition, batch);
      return;
    }
    this.#queue(partition).settle();
    this.#endSequenceOf(batch);
    this.#giveUp(batch, isLost ? ApiError.of(Errors.NETWORK_EXCEPTION) : failure);
  }

  /** The topic takes less at once than this producer gives; its records it may take (Sender.maybeSplitAndReenqueue). */
  #split(partition: number, batch: PendingBatch): void {
    const queue = this.#queue(partition);
    // The broker took none of the sequence, and nothing behind it has been sent.
    if (batch.stamp?.producerId === queue.sequenceOfProducerId) queue.nextSequence = batch.stamp.baseSequence;
    const middle = batch.records.length >> 1;
    for (const part of [halfOf(batch, middle), halfOf(batch, 0, middle)]) queue.putBack(part);
  }

  /** Whether the broker has it is unknown, or it wants another sequence: begin anew under a new producer id. */
  #endSequenceOf(batch: PendingBatch): void {
    if (batch.stamp !== null) this.#producer = null;
  }

  #giveUp(batch: PendingBatch, failure: Error): void {
    for (const delivered of batch.delivered) delivered(failure, null);
  }

  async #requireProducerId(): Promise<void> {
    if (this.#producer !== null) return;
    const request = { transactionalId: null, transactionTimeoutMs: this.#settings.requestTimeoutMs };
    const response = await this.#cluster.toAny(InitProducerId, request, 'initProducerId');
    if (response.errorCode !== Errors.NONE) throw ApiError.of(response.errorCode);
    // Another broker's batch may have asked at the same time; all use the id that came last.
    this.#producer = { producerId: response.producerId, producerEpoch: response.producerEpoch };
  }
}

/** An error that another try may not meet: one that the protocol calls retriable, or no answer in time. */
function mayPass({ error, exception }: ApiError): boolean {
  return error === null ? exception === 'TimeoutException' : isRetriable(error);
}

function isTooLarge(failure: ApiError | ConnectionError): boolean {
  return failure instanceof ApiError && failure.error === 'MESSAGE_TOO_LARGE';
}

function halfOf(batch: PendingBatch, start: number, end?: number): PendingBatch {
  const records = batch.records.slice(start, end);
  const sizeBytes = records.reduce((sum, record) => sum + sizeOf(record), 0);
  return { ...batch, records, delivered: batch.delivered.slice(start, end), sizeBytes, stamp: null };
}

function sizeOf({ key, value, headers = [] }: NewRecord): number {
  let size = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) size += Buffer.byteLength(header.key) + (header.value?.length ?? 0) + 2;
  return size;
}
