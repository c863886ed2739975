/**
 * The controller's one thread: events run one at a time, in the order in which they came. Watches, timers and answers
 * of brokers put named events, of which one that waits stands for any number of the same name, since each reads again
 * what there is. Requests each wait for their turn; when too many wait, the next one is refused.
 */
import type { Clock } from '../lib/clock.ts';
import type { Histogram } from '../lib/histogram.ts';
import { SerialQueue } from '../lib/serial-queue.ts';
import { KafkaError } from '../protocol/errors.ts';

const MAX_WAITING_REQUESTS = 2000;

export class EventQueue {
  readonly #clock: Clock;
  readonly #waitedMs: Histogram;
  readonly #queue = new SerialQueue();
  readonly #waiting = new Set<string>();
  #requests = 0;

  /** @param waitedMs takes how long each waited */
  constructor(clock: Clock, waitedMs: Histogram) {
    this.#clock = clock;
    this.#waitedMs = waitedMs;
  }

  /** Events and requests that wait or run. */
  get length(): number {
    return this.#queue.length;
  }

  /** Runs the job when its turn comes, unless one of that name waits already. The job must not throw. */
  put(name: string, job: () => Promise<void>): void {
    if (this.#waiting.has(name)) return;
    this.#waiting.add(name);
    void this.#run(() => {
      this.#waiting.delete(name);
      return job();
    });
  }

  /** @throws KafkaError REQUEST_TIMED_OUT at once when the queue is full: the sender tries again */
  async request<T>(job: () => Promise<T>): Promise<T> {
    if (this.#requests >= MAX_WAITING_REQUESTS)
      throw new KafkaError('REQUEST_TIMED_OUT', 'The controller is too busy.');
    this.#requests++;
    try {
      return await this.#run(job);
    } finally {
      this.#requests--;
    }
  }

  #run<T>(job: () => Promise<T>): Promise<T> {
    const putMs = this.#clock.monotonicMs();
    return this.#queue.run(() => {
      this.#waitedMs.record(this.#clock.monotonicMs() - putMs);
      return job();
    });
  }

  whenIdle(): Promise<void> {
    return this.#queue.whenIdle();
  }
}
