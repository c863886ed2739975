/**
 * Puts a client's answers together from the records that a consumer hands over, one answer at a time.
 *
 * Guarantees: every read ends by its time, and what it returns is settled in the same moment: the records in it count
 * as consumed, and what was taken besides is asked for again. A record that cannot be read as its format fails a read
 * only when it would be the first in the answer. All answers together stay within the budget, each by at most one
 * record more.
 */
import type { Buffer } from 'node:buffer';
import type { ConsumedRecord } from '../client/consumed-record.ts';
import type { Clock } from '../lib/clock.ts';
import { Deferred } from '../lib/deferred.ts';
import { ConsumerRead, type ReadLimits } from './consumer-read.ts';
import type { ConsumerState, PartitionPlace } from './consumer-state.ts';
import type { ReadBudget } from './read-budget.ts';
import { RestError, UNREADABLE, unreadable } from './rest-errors.ts';

export interface ConsumerReadsOptions {
  readonly clock: Clock;
  readonly state: ConsumerState;
  readonly budget: ReadBudget;
  /** The JSON of a key or value. */
  readonly decode: (bytes: Buffer | null) => Promise<string>;
  /** Some records have been returned. */
  readonly onReturned: () => void;
  /** What has been handed over from there on is to be handed over again. */
  readonly goBack: (places: readonly PartitionPlace[]) => void;
}

/** An answer on its way. */
export interface ReadAnswer {
  /** Records as JSON. */
  readonly texts: readonly string[];
  /** To be called once, when the answer has left or will not. */
  readonly release: () => void;
}

/** After so much, others have their turn: a batch may unpack to a thousand times what was fetched. */
const TURN_CHARACTERS = 256 * 1024;
/** What a record takes besides its text. */
const RECORD_CHARACTERS = 100;

interface CurrentRead {
  readonly read: ConsumerRead;
  readonly over: Deferred<readonly string[]>;
}

export class ConsumerReads {
  readonly #options: ConsumerReadsOptions;
  #current: CurrentRead | null = null;
  #turnCharacters = 0;

  constructor(options: ConsumerReadsOptions) {
    this.#options = options;
  }

  /** A read is going on that records are to be fetched for. */
  get isWanting(): boolean {
    return this.#current !== null && !this.#current.read.hasEnough;
  }

  /**
   * Reads until the limits or the time are reached; to be called when no other read is going on.
   * @param begin to be called when records may come
   * @param signal aborted when the client is gone: nothing counts as returned then
   */
  async answer(limits: ReadLimits, waitMs: number, signal: AbortSignal, begin: () => void): Promise<ReadAnswer> {
    const { clock, budget } = this.#options;
    const current = { read: new ConsumerRead(limits), over: new Deferred<readonly string[]>() };
    this.#current = current;
    const timer = clock.schedule(waitMs, () => this.#return(current));
    const onGone = (): void => this.#keep(current);
    signal.addEventListener('abort', onGone);
    try {
      if (signal.aborted) onGone();
      else begin();
      const texts = await current.over.promise;
      const { characters } = current.read;
      return { texts, release: () => budget.give(characters) };
    } catch (error) {
      budget.give(current.read.characters);
      throw error;
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', onGone);
    }
  }

  /** Whether the record is to be handed over now. */
  accepts({ key, value }: ConsumedRecord): boolean {
    const current = this.#current;
    if (current === null) return false;
    const isAffordable = current.read.texts.length === 0 || !this.#options.budget.isExhausted;
    if (isAffordable && current.read.hasRoomFor(sizeOf(key) + sizeOf(value))) return true;
    this.#return(current);
    return false;
  }

  /** Takes a record; resolves when the next of the same partition may come. */
  async take(record: ConsumedRecord): Promise<void> {
    const { state, budget, clock } = this.#options;
    state.take(record);
    let text: string;
    try {
      text = await this.#textOf(record);
    } catch (error) {
      this.#putBack(record);
      this.fail(error);
      return;
    }
    const current = this.#current;
    if (current === null) return this.#putBack(record);
    if (!state.isReady(record)) return;
    current.read.add(text, sizeOf(record.key) + sizeOf(record.value));
    budget.take(text.length);
    // What is at hand comes within this turn, and goes into the same answer.
    if (current.read.hasEnough) clock.soon(() => this.#return(current));
    this.#turnCharacters += text.length + RECORD_CHARACTERS;
    if (this.#turnCharacters < TURN_CHARACTERS) return;
    this.#turnCharacters = 0;
    await new Promise<void>((resolve) => clock.soon(resolve));
  }

  async #textOf(record: ConsumedRecord): Promise<string> {
    const { topic, partition, offset } = record;
    const [keyText, valueText] = [await this.#partText(record, 'key'), await this.#partText(record, 'value')];
    const name = JSON.stringify(topic);
    return `{"topic":${name},"key":${keyText},"value":${valueText},"partition":${partition},"offset":${offset}}`;
  }

  /** @throws RestError 40801 in the words of Java's consumer, and what is wrong with it */
  async #partText(record: ConsumedRecord, part: 'key' | 'value'): Promise<string> {
    try {
      return await this.#options.decode(record[part]);
    } catch (error) {
      if (!(error instanceof RestError && error.code === UNREADABLE)) throw error;
      const { topic, partition, offset } = record;
      throw unreadable(
        `Error deserializing ${part.toUpperCase()} for partition ${topic}-${partition} at offset ${offset}. ` +
          `If needed, please seek past the record to continue consumption. ${error.message}`,
      );
    }
  }

  #putBack(record: ConsumedRecord): void {
    const place = this.#options.state.putBack(record);
    if (place !== null) this.#options.goBack([place]);
  }

  /** Returns what there is: the partitions will be others in a moment. An empty read goes on, and false comes back. */
  flush(): boolean {
    if (this.#current === null || this.#current.read.texts.length === 0) return false;
    this.#return(this.#current);
    return true;
  }

  /** The read that is going on ends with what it has or, when that is nothing, with the error; false without a read. */
  fail(error: unknown): boolean {
    const current = this.#current;
    if (current === null) return false;
    if (current.read.texts.length > 0) {
      this.#return(current);
      return false;
    }
    if (this.#end(current)) current.over.reject(error);
    return true;
  }

  /** The read that is going on ends with the error, whatever it has; none of that is consumed. */
  refuse(error: unknown): void {
    const current = this.#current;
    if (current === null || !this.#end(current)) return;
    this.#options.goBack(this.#options.state.takenBack());
    current.over.reject(error);
  }

  #return(current: CurrentRead): void {
    if (!this.#end(current)) return;
    this.#options.state.returned();
    if (current.read.texts.length > 0) this.#options.onReturned();
    current.over.resolve(current.read.texts);
  }

  /** Nobody takes the answer. */
  #keep(current: CurrentRead): void {
    if (!this.#end(current)) return;
    this.#options.goBack(this.#options.state.takenBack());
    current.over.resolve([]);
  }

  #end(current: CurrentRead): boolean {
    if (this.#current === current) this.#current = null;
    return current.read.end();
  }
}

function sizeOf(bytes: Buffer | null): number {
  return bytes?.length ?? 0;
}
