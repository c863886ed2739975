/** What a read gives: batches as they lie in a file, to be copied straight into a response. */
import { KafkaError } from '../protocol/errors.ts';
import type { RecordsSource } from '../protocol/writer.ts';
import type { Segment } from './segment.ts';

export interface LogSlice extends RecordsSource {
  /** The offset that was asked for; the first batch holds it or follows it. */
  readonly firstOffset: number;
  /**
   * The bytes are likely in memory: copyInto() may be called, in the same turn as read(). When false, only what load()
   * resolves to may be copied, and sizeBytes is a guess, never 0.
   */
  readonly isHot: boolean;
  /**
   * The bytes, read on the thread pool when they are cold. Its sizeBytes is exact; 0 when the log was cut meanwhile.
   */
  load(): Promise<RecordsSource>;
}

/** Bytes in memory. */
export class BufferSource implements RecordsSource {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  copyInto(target: Buffer, targetOffset: number): void {
    this.#bytes.copy(target, targetOffset);
  }
}

const NOTHING = new BufferSource(Buffer.alloc(0));

export class EmptySlice implements LogSlice {
  readonly firstOffset: number;
  readonly sizeBytes = 0;
  readonly isHot = true;

  constructor(firstOffset: number) {
    this.firstOffset = firstOffset;
  }

  copyInto(): void {}

  async load(): Promise<RecordsSource> {
    return NOTHING;
  }
}

export class HotSlice implements LogSlice {
  readonly firstOffset: number;
  readonly sizeBytes: number;
  readonly isHot = true;
  readonly #segment: Segment;
  readonly #position: number;

  constructor(firstOffset: number, segment: Segment, position: number, sizeBytes: number) {
    this.firstOffset = firstOffset;
    this.#segment = segment;
    this.#position = position;
    this.sizeBytes = sizeBytes;
  }

  copyInto(target: Buffer, targetOffset: number): void {
    const count = this.#segment.log.use().readInto(target, targetOffset, this.#position, this.sizeBytes);
    if (count < this.sizeBytes)
      throw new KafkaError('KAFKA_STORAGE_ERROR', `${this.#segment.log.path} was cut while it was read`);
  }

  async load(): Promise<RecordsSource> {
    return this;
  }
}

export class ColdSlice implements LogSlice {
  readonly firstOffset: number;
  readonly sizeBytes: number;
  readonly isHot = false;
  readonly #read: () => Promise<Buffer>;

  constructor(firstOffset: number, sizeBytes: number, read: () => Promise<Buffer>) {
    this.firstOffset = firstOffset;
    this.sizeBytes = sizeBytes;
    this.#read = read;
  }

  copyInto(): void {
    throw new Error('a cold slice is loaded before it is copied');
  }

  async load(): Promise<RecordsSource> {
    return new BufferSource(await this.#read());
  }
}
