/**
 * @pure The order of replies on one connection: they leave in the order of their requests, whenever they become ready.
 *
 * A request takes its place with `open`; `complete` fills it, with null for a request that gets no reply and only moves
 * the order on. Whatever has no unfilled place before it is released, in order, within the call that made it so.
 */
export interface ReplyPlace<T> {
  isComplete: boolean;
  reply: T | null;
}

export class ReplyOrder<T> {
  readonly #release: (reply: T) => void;
  /** From #head on: places not released yet, the oldest first. The oldest is never complete between two calls. */
  #places: ReplyPlace<T>[] = [];
  #head = 0;

  constructor(release: (reply: T) => void) {
    this.#release = release;
  }

  /** Requests whose reply has not left, complete or not. */
  get length(): number {
    return this.#places.length - this.#head;
  }

  open(): ReplyPlace<T> {
    const place: ReplyPlace<T> = { isComplete: false, reply: null };
    this.#places.push(place);
    return place;
  }

  /** The reply of a request that was handled at once. */
  append(reply: T | null): void {
    if (this.length > 0) this.#places.push({ isComplete: true, reply });
    else if (reply !== null) this.#release(reply);
  }

  /** A second completion of a place is ignored. */
  complete(place: ReplyPlace<T>, reply: T | null): void {
    if (place.isComplete) return;
    place.isComplete = true;
    place.reply = reply;
    for (;;) {
      const oldest = this.#places[this.#head];
      if (oldest === undefined || !oldest.isComplete) break;
      this.#head++;
      if (oldest.reply !== null) this.#release(oldest.reply);
    }
    if (this.#head === this.#places.length) {
      this.#places = [];
      this.#head = 0;
    } else if (this.#head > 64) {
      this.#places = this.#places.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Gives up all places and returns the replies that will not leave, so that their memory can be freed. */
  clear(): T[] {
    const replies = this.#places.slice(this.#head).flatMap(({ reply }) => (reply === null ? [] : [reply]));
    for (const place of this.#places) place.isComplete = true;
    this.#places = [];
    this.#head = 0;
    return replies;
  }
}
