/**
 * @pure What a partition remembers of one producer (Kafka's ProducerStateEntry): its epoch and its last five batches.
 * Five, because a producer keeps at most five requests in flight: any batch it may still repeat is among them.
 */
export const BATCHES_TO_RETAIN = 5;
export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_SEQUENCE = -1;
const MAX_SEQUENCE = 0x7fff_ffff;
const SEQUENCE_COUNT = 0x8000_0000;

export interface BatchMetadata {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** The batch's largest timestamp. */
  readonly timestampMs: number;
}

export interface ProducerEntry {
  readonly producerId: number;
  producerEpoch: number;
  /** Epoch of the transaction coordinator that sent the last end marker; -1 none. */
  coordinatorEpoch: number;
  lastTimestampMs: number;
  /** Where the transaction that is still open began; -1 none. */
  currentTxnFirstOffset: number;
  /** Oldest first; empty when the epoch is known only from an end marker. */
  batches: BatchMetadata[];
}

export function emptyEntry(producerId: number): ProducerEntry {
  return {
    producerId,
    producerEpoch: NO_PRODUCER_EPOCH,
    coordinatorEpoch: -1,
    lastTimestampMs: -1,
    currentTxnFirstOffset: -1,
    batches: [],
  };
}

/** The sequence `count` records behind the given one: after 2147483647 comes 0. */
export function advanceSequence(sequence: number, count: number): number {
  return (sequence + count) % SEQUENCE_COUNT;
}

export function retreatSequence(sequence: number, count: number): number {
  return (((sequence - count) % SEQUENCE_COUNT) + SEQUENCE_COUNT) % SEQUENCE_COUNT;
}

export function isNextSequence(lastSequence: number, nextSequence: number): boolean {
  return nextSequence === lastSequence + 1 || (nextSequence === 0 && lastSequence === MAX_SEQUENCE);
}
