/**
 * @pure One answer to a client that reads: how much goes into it, and when it is done (kafka-rest's
 * KafkaConsumerReadTask).
 *
 * Guarantees: it is over exactly once; it holds at least one record if there is one that fits into no answer, and else
 * stays below its limit, counted in bytes of keys and values.
 */

export interface ReadLimits {
  /** With more than so many bytes it is not waited for more; infinite to wait until the time is over. */
  readonly minBytes: number;
  readonly maxBytes: number;
  /** Of the answer as it is written, whatever its records hold. */
  readonly maxCharacters: number;
}

export class ConsumerRead {
  readonly #limits: ReadLimits;
  readonly #texts: string[] = [];
  #bytes = 0;
  #characters = 0;
  #isOver = false;

  constructor(limits: ReadLimits) {
    this.#limits = limits;
  }

  /** The records as JSON, in the order in which they came. */
  get texts(): readonly string[] {
    return this.#texts;
  }

  get characters(): number {
    return this.#characters;
  }

  /** Of keys and values. */
  get bytes(): number {
    return this.#bytes;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** It has what the client waits for; what is at hand may be added still. */
  get hasEnough(): boolean {
    return this.#bytes > this.#limits.minBytes;
  }

  /** A record of so many bytes goes into it, too. */
  hasRoomFor(bytes: number): boolean {
    const { maxBytes, maxCharacters } = this.#limits;
    if (this.#isOver) return false;
    if (this.#texts.length === 0) return true;
    return this.#bytes + bytes < maxBytes && this.#characters < maxCharacters;
  }

  add(text: string, bytes: number): void {
    this.#texts.push(text);
    this.#bytes += bytes;
    this.#characters += text.length;
  }

  /** False when it was over already. */
  end(): boolean {
    const wasOver = this.#isOver;
    this.#isOver = true;
    return !wasOver;
  }
}
