/**
 * Ids for idempotent producers, unique in the cluster for ever: taken one by one from blocks that the controller
 * gives out (AllocateProducerIds, KIP-730; Kafka's RPCProducerIdManager). The next block is fetched before this one
 * is used up. What is left of a block when the broker stops is lost, never used again.
 */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { Errors, errorName, KafkaError } from '../protocol/errors.ts';
import { AllocateProducerIds } from '../protocol/messages/67-allocate-producer-ids.ts';
import type { Api, RequestIn, ResponseOut } from '../protocol/schema.ts';

/** The way to the controller; net's ControllerChannel fits. */
export interface ControllerRequests {
  send<A extends Api>(
    api: A,
    version: number,
    request: RequestIn<A>,
    options?: { readonly timeoutMs?: number; readonly retryWhen?: (response: ResponseOut<A>) => boolean },
  ): Promise<ResponseOut<A>>;
}

export interface ProducerIdsOptions {
  readonly brokerId: number;
  readonly brokerEpoch: () => number;
  readonly controller: ControllerRequests;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a caller may wait for a block. */
  readonly waitTimeoutMs?: number;
}

interface Block {
  nextId: number;
  /** Exclusive. */
  readonly endId: number;
  readonly length: number;
}

const ALLOCATE_VERSION = 0;
const DEFAULT_WAIT_TIMEOUT_MS = 5_000;
const RETRY_BACKOFF_MS = 50;
/** The next block is asked for when less than this part of the current one is left. */
const PREFETCH_BELOW = 0.1;
const MAX_WAITING = 10_000;

export class ProducerIds {
  readonly #options: ProducerIdsOptions;
  #block: Block | null = null;
  #nextBlock: Block | null = null;
  #fetching: Promise<void> | null = null;
  #waitingCount = 0;
  #lastFailureMs = Number.NEGATIVE_INFINITY;

  constructor(options: ProducerIdsOptions) {
    this.#options = options;
  }

  /**
   * A new id. Throws COORDINATOR_LOAD_IN_PROGRESS, upon which clients try again, when no block could be had in time.
   */
  async next(): Promise<number> {
    const { clock, waitTimeoutMs = DEFAULT_WAIT_TIMEOUT_MS } = this.#options;
    const deadlineMs = clock.monotonicMs() + waitTimeoutMs;
    for (;;) {
      const id = this.#take();
      if (id !== null) return id;
      if (this.#waitingCount >= MAX_WAITING || clock.monotonicMs() >= deadlineMs) {
        throw new KafkaError('COORDINATOR_LOAD_IN_PROGRESS', 'Producer ids are not available yet.');
      }
      this.#waitingCount++;
      try {
        await this.#fetch();
      } finally {
        this.#waitingCount--;
      }
    }
  }

  #take(): number | null {
    if (this.#block === null || this.#block.nextId >= this.#block.endId) {
      this.#block = this.#nextBlock;
      this.#nextBlock = null;
    }
    const block = this.#block;
    if (block === null) return null;
    const id = block.nextId++;
    const isLow = block.endId - block.nextId < block.length * PREFETCH_BELOW;
    if (isLow && this.#nextBlock === null) this.#prefetch();
    return id;
  }

  /** Failures are logged by the fetch itself; the next caller tries again. */
  #prefetch(): void {
    const { clock } = this.#options;
    if (this.#fetching !== null || clock.monotonicMs() - this.#lastFailureMs < RETRY_BACKOFF_MS) return;
    this.#fetch().catch((error: unknown) => this.#options.logger.error('Fetching producer ids broke off', error));
  }

  /** Resolves when an attempt is over, whether it brought a block or not. */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#attempt().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  async #attempt(): Promise<void> {
    const { clock, controller, logger, brokerId, brokerEpoch, waitTimeoutMs = DEFAULT_WAIT_TIMEOUT_MS } = this.#options;
    const pauseMs = this.#lastFailureMs + RETRY_BACKOFF_MS - clock.monotonicMs();
    if (pauseMs > 0) await clock.sleep(pauseMs);
    try {
      const request = { brokerId, brokerEpoch: brokerEpoch() };
      const response = await controller.send(AllocateProducerIds, ALLOCATE_VERSION, request, {
        timeoutMs: waitTimeoutMs,
        retryWhen: ({ errorCode }) => errorCode === Errors.NOT_CONTROLLER,
      });
      const { errorCode, producerIdStart, producerIdLen } = response;
      if (errorCode !== Errors.NONE) throw new KafkaError(errorName(errorCode));
      const endId = producerIdStart + producerIdLen;
      if (producerIdStart < 0 || producerIdLen <= 0 || !Number.isSafeInteger(endId)) {
        throw new KafkaError('UNKNOWN_SERVER_ERROR', `an impossible block of ${producerIdLen} from ${producerIdStart}`);
      }
      this.#nextBlock = { nextId: producerIdStart, endId, length: producerIdLen };
      logger.debug(`Got producer ids ${producerIdStart} to ${endId - 1}`);
    } catch (error) {
      this.#lastFailureMs = clock.monotonicMs();
      const why = error instanceof Error ? error.message : String(error);
      logger.warn(`Had an error when requesting producer ids from the controller: ${why}`);
    }
  }
}
