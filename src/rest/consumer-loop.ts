/**
 * Keeps a consumer of the cluster running for what an instance has subscribed to: a new one when that changes, and
 * another when one has failed.
 *
 * Guarantees: there is never more than one; each has committed and left before the next begins. A failure is told, and
 * another try follows a second later.
 */
import type { GroupConsumer } from '../client/group-consumer.ts';
import type { Clock } from '../lib/clock.ts';
import { Deferred } from '../lib/deferred.ts';
import type { Subscription } from './consumer-state.ts';

export interface RunningConsumer {
  readonly consumer: GroupConsumer;
  /** Closes the connections that it needs no more once it is stopped. */
  readonly close: () => void;
}

export interface ConsumerLoopOptions {
  readonly clock: Clock;
  /** @param subscription not none */
  readonly open: (subscription: Subscription) => RunningConsumer;
  readonly onFailed: (error: unknown) => void;
}

const RETRY_BACKOFF_MS = 1000;

export class ConsumerLoop {
  readonly #options: ConsumerLoopOptions;
  readonly #running: Promise<void>;
  #wanted: Subscription = { kind: 'none' };
  #current: RunningConsumer | null = null;
  #changed = new Deferred();
  #isClosed = false;

  constructor(options: ConsumerLoopOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Null between one and the next. A consumer that has been stopped is none any more. */
  get consumer(): GroupConsumer | null {
    return this.#current?.consumer ?? null;
  }

  /** From now on nothing more comes of what was subscribed to before. */
  subscribe(subscription: Subscription): void {
    this.#wanted = subscription;
    this.#interrupt();
  }

  /** Resolves when the last consumer has committed and left, within a few seconds whatever the cluster does. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#interrupt();
    return this.#running;
  }

  #interrupt(): void {
    this.#current?.consumer.stop();
    // It may wait for an answer there.
    this.#current?.close();
    this.#current = null;
    this.#changed.resolve();
    this.#changed = new Deferred();
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      const changed = this.#changed.promise;
      if (this.#wanted.kind === 'none') {
        await changed;
        continue;
      }
      const hasFailed = await this.#runOnce();
      if (hasFailed) await Promise.race([this.#options.clock.sleep(RETRY_BACKOFF_MS), changed]);
    }
  }

  /** Whether it ended by a failure instead of having been stopped. */
  async #runOnce(): Promise<boolean> {
    let current: RunningConsumer | null = null;
    try {
      current = this.#options.open(this.#wanted);
      this.#current = current;
      await current.consumer.run();
      return false;
    } catch (error) {
      if (this.#current !== current) return false;
      this.#current = null;
      this.#options.onFailed(error);
      return true;
    } finally {
      current?.close();
    }
  }
}
