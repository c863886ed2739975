/**
 * Produces the records of one connection of v3 of the REST Proxy: JSON values one after the other, a report for each,
 * in their order, while more come (kafka-rest's ProduceAction and StreamingResponse).
 *
 * Guarantees: a report of success is given when the record is replicated as its topic wants it, and not before; records
 * for one partition are written in the order of the stream; what waits to be written or reported is bounded in number
 * and bytes, and nothing more is read until there is room; a record that cannot be written costs the others nothing,
 * while bytes that are no JSON end the stream, since nobody knows where the next record begins.
 */
import { type Clock, withTimeout } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { JsonStreamError, JsonValueSplitter } from './json-stream.ts';
import { badRequest, RestError, tooManyRequests } from './rest-errors.ts';
import type { ClientRoom } from './shared-room.ts';
import { type ErrorReport, errorReportOf, faultReport, successReport } from './stream-produce-report.ts';
import { isMalformed, parseRecord } from './stream-produce-request.ts';
import type { StreamedRecords } from './streamed-records.ts';

/** Where the reports go. */
export interface ReportOutput {
  /** Takes the text in any case; false when nothing more is to be given before whenDrained. */
  write(text: string): boolean;
  whenDrained(): Promise<void>;
}

export interface StreamProduceOptions {
  readonly records: StreamedRecords;
  /** What the streams of a broker hold together, in bytes; each asks before it grows. */
  readonly memory: ClientRoom;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<StreamLimits>;
}

export interface StreamLimits {
  /** Records that wait for their report to be written. */
  readonly maxRecords: number;
  /** Of their JSON; one record may be larger. */
  readonly maxBytes: number;
  readonly maxRecordBytes: number;
  /** Nothing came for so long. */
  readonly idleMs: number;
  /** In all, as Confluent's streaming.connection.max.duration.ms. */
  readonly maxDurationMs: number;
}

/** A report that is to be written in its turn. */
interface Pending {
  /** Of its JSON, about. */
  readonly bytes: number;
  text: string | null;
}

type Chunks = AsyncIterator<Buffer, unknown>;

const LIMITS: StreamLimits = {
  maxRecords: 1000,
  maxBytes: 2 * 1024 * 1024,
  maxRecordBytes: 16 * 1024 * 1024,
  idleMs: 300_000,
  maxDurationMs: 86_400_000,
};
const MAX_DEPTH = 500;
const REQUEST_TIMEOUT = 408;
/** Confluent's, between reports. */
const SEPARATOR = '\r\n';
const MAX_WRITE_LENGTH = 64 * 1024;

/** Nothing at all came; everything that came has its report; nobody takes reports any more. */
export type StreamEnd = 'empty' | 'done' | 'stopped';

export class StreamProduce {
  readonly #topic: string;
  readonly #options: StreamProduceOptions;
  readonly #limits: StreamLimits;
  readonly #output: ReportOutput;
  readonly #splitter: JsonValueSplitter;
  readonly #deadlineMs: number;
  readonly #pending: Pending[] = [];
  /** Of records that are not reported yet. */
  #pendingBytes = 0;
  /** Of the broker's memory. */
  #takenBytes = 0;
  #hasBegun = false;
  #isFinishing = false;
  #isStopped = false;
  /** Nothing is read any more: what the splitter holds is gone. */
  #isRead = false;
  /** Ends the wait for the next chunk. */
  #interrupt: (() => void) | null = null;
  #isFlushing = false;
  #waiting: (() => void)[] = [];

  constructor(topic: string, options: StreamProduceOptions, output: ReportOutput) {
    this.#topic = topic;
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#output = output;
    this.#splitter = new JsonValueSplitter({ maxValueBytes: this.#limits.maxRecordBytes, maxDepth: MAX_DEPTH });
    this.#deadlineMs = options.clock.monotonicMs() + this.#limits.maxDurationMs;
  }

  /** Reads to the end, and resolves when the last report is with the output. Never rejects for what a client does. */
  async run(chunks: Chunks): Promise<StreamEnd> {
    try {
      await this.#read(chunks);
    } catch (error) {
      this.#onUnreadable(error);
    }
    this.#isRead = true;
    while (this.#pending.length > 0 && !this.#isStopped) await this.#wait();
    this.#account();
    if (this.#isStopped) return 'stopped';
    return this.#hasBegun ? 'done' : 'empty';
  }

  /** Nothing more is read; the reports of what was read are still written. */
  finish(): void {
    this.#isFinishing = true;
    this.#interrupt?.();
  }

  /** Nothing is read or reported any more. What was handed on is written all the same, and held until then. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const pending of this.#pending) if (pending.text !== null) this.#pendingBytes -= pending.bytes;
    this.#account();
    this.finish();
    this.#wake();
  }

  async #read(chunks: Chunks): Promise<void> {
    for (;;) {
      const chunk = await this.#nextChunk(chunks);
      if (chunk === null) break;
      for (const text of this.#splitter.push(chunk)) {
        const mayGoOn = await this.#take(text);
        if (!mayGoOn || this.#isStopped) return;
      }
      if (!this.#account()) throw noRoom();
    }
    const last = this.#isStopped ? null : this.#splitter.end();
    if (last !== null) await this.#take(last);
  }

  /** Null at the end. */
  #nextChunk(chunks: Chunks): Promise<Buffer | null> {
    if (this.#isFinishing) return Promise.resolve(null);
    const { clock } = this.#options;
    const leftMs = Math.max(0, this.#deadlineMs - clock.monotonicMs());
    const isIdle = leftMs > this.#limits.idleMs;
    return new Promise((resolve, reject) => {
      this.#interrupt = () => resolve(null);
      withTimeout(clock, Math.min(leftMs, this.#limits.idleMs), chunks.next(), () => expired(isIdle)).then(
        (next) => resolve(next.done === true ? null : next.value),
        reject,
      );
    });
  }

  /** Hands one value on when there is room; false when nothing after it can be read. */
  async #take(text: string): Promise<boolean> {
    this.#hasBegun = true;
    while (this.#isFull(text.length) && !this.#isStopped) await this.#wait();
    if (this.#isStopped) return false;
    const pending = this.#append(text.length);
    try {
      if (pending.bytes < text.length) throw noRoom();
      // One after the other, whatever has to be looked up for one: this keeps their order.
      const { done } = await this.#options.records.begin(this.#topic, parseRecord(text));
      void done.then(
        (written) => this.#settle(pending, successReport(written)),
        (error: unknown) => this.#settle(pending, this.#reportOf(error)),
      );
      return true;
    } catch (error) {
      const isReadable = !isMalformed(error);
      this.#settle(pending, this.#reportOf(isReadable ? error : unprocessed(error)));
      return isReadable;
    }
  }

  #isFull(bytes: number): boolean {
    const { maxRecords, maxBytes } = this.#limits;
    const count = this.#pending.length;
    return count >= maxRecords || (count > 0 && this.#pendingBytes + bytes > maxBytes);
  }

  /** Takes a place among the reports. What the broker has no room for is to be refused there, and takes none. */
  #append(bytes: number): Pending {
    this.#pendingBytes += bytes;
    const hasRoom = this.#account();
    if (!hasRoom) this.#pendingBytes -= bytes;
    const pending: Pending = { bytes: hasRoom ? bytes : 0, text: null };
    this.#pending.push(pending);
    return pending;
  }

  /** Has the broker's memory know what is held here; false when that has no room for it. */
  #account(): boolean {
    const { memory } = this.#options;
    const keptBytes = this.#isRead ? 0 : this.#splitter.keptBytes;
    const growth = this.#pendingBytes + keptBytes - this.#takenBytes;
    if (growth > 0 && !memory.take(growth)) return false;
    if (growth < 0) memory.give(-growth);
    this.#takenBytes += growth;
    return true;
  }

  #settle(pending: Pending, report: object): void {
    if (this.#isStopped) {
      this.#pendingBytes -= pending.bytes;
      this.#account();
      return;
    }
    pending.text = JSON.stringify(report) + SEPARATOR;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    // What is acknowledged together is reported together.
    this.#options.clock.soon(() => void this.#flush());
  }

  /** Writes the reports whose turn it is. */
  async #flush(): Promise<void> {
    while (!this.#isStopped && (this.#pending[0]?.text ?? null) !== null) {
      const mayGoOn = this.#output.write(this.#takeReports());
      this.#wake();
      if (!mayGoOn) await this.#whenDrained();
    }
    this.#isFlushing = false;
  }

  #takeReports(): string {
    let text = '';
    let count = 0;
    for (const pending of this.#pending) {
      if (pending.text === null || text.length > MAX_WRITE_LENGTH) break;
      text += pending.text;
      this.#pendingBytes -= pending.bytes;
      count++;
    }
    this.#pending.splice(0, count);
    // Less is held than before: there is room for that.
    this.#account();
    return text;
  }

  /** A client that takes no reports for as long as it may be silent is given up. */
  async #whenDrained(): Promise<void> {
    const { clock } = this.#options;
    const timer = clock.schedule(this.#limits.idleMs, () => this.stop());
    await this.#output.whenDrained();
    timer.cancel();
  }

  #reportOf(error: unknown): ErrorReport {
    const report = errorReportOf(error);
    if (report !== null) return report;
    this.#options.logger.error(`A record for ${this.#topic} could not be produced`, error);
    return faultReport();
  }

  #onUnreadable(error: unknown): void {
    if (error instanceof JsonStreamError) error = unprocessed(error);
    if (!(error instanceof RestError)) {
      this.#options.logger.debug(`A client went away while it produced to ${this.#topic}: ${String(error)}`);
      this.stop();
      return;
    }
    this.#hasBegun = true;
    this.#settle(this.#append(0), this.#reportOf(error));
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }
}

function unprocessed(error: Error): RestError {
  return badRequest(`Error processing message: ${error.message}`);
}

function noRoom(): RestError {
  return tooManyRequests('Too many bytes are being produced; try later.');
}

function expired(isIdle: boolean): RestError {
  const what = isIdle ? 'idle' : 'open';
  return new RestError(
    REQUEST_TIMEOUT,
    `Streaming connection ${what} for longer than allowed: Connection will be closed.`,
  );
}
