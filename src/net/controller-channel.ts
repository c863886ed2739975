/**
 * Requests to whichever broker is the controller now. Looks the controller up anew for every attempt, waits while
 * there is none, and tries again after a connection error or an answer the caller calls stale (NOT_CONTROLLER), until
 * the timeout. So a request may reach two controllers, or one twice: senders must be able to bear that.
 */
import { BufferPool } from '../lib/buffer-pool.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Api, RequestIn, ResponseOut } from '../protocol/schema.ts';
import { BrokerClient, ConnectionError } from './broker-client.ts';

export interface ControllerAddress {
  readonly brokerId: number;
  readonly host: string;
  readonly port: number;
}

export interface ControllerChannelOptions {
  /** Who is the controller, as far as this broker knows; null when nobody is. */
  readonly controller: () => ControllerAddress | null;
  readonly clientId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For one whole send, with all its attempts. */
  readonly requestTimeoutMs: number;
  readonly retryBackoffMs?: number;
}

export interface ControllerSendOptions<Response> {
  readonly timeoutMs?: number;
  /** True for an answer that only says that this is not the controller any more. */
  readonly retryWhen?: (response: Response) => boolean;
}

const DEFAULT_RETRY_BACKOFF_MS = 100;

export class ControllerChannel {
  readonly #options: ControllerChannelOptions;
  readonly #buffers = new BufferPool(0);
  #client: BrokerClient | null = null;
  #isClosed = false;

  constructor(options: ControllerChannelOptions) {
    this.#options = options;
  }

  /**
   * Rejects with ConnectionError when no controller answered in time. When the time is up with a stale answer at
   * hand, that answer is given.
   */
  async send<A extends Api>(
    api: A,
    version: number,
    request: RequestIn<A>,
    options: ControllerSendOptions<ResponseOut<A>> = {},
  ): Promise<ResponseOut<A>> {
    const { clock, requestTimeoutMs, retryBackoffMs = DEFAULT_RETRY_BACKOFF_MS } = this.#options;
    const timeoutMs = options.timeoutMs ?? requestTimeoutMs;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    let stale: ResponseOut<A> | null = null;
    for (;;) {
      if (this.#isClosed) throw new ConnectionError('the channel is closed');
      const outcome = await this.#attempt(api, version, request, deadlineMs);
      const isLast = clock.monotonicMs() + retryBackoffMs >= deadlineMs;
      if (!(outcome instanceof ConnectionError)) {
        if (isLast || !(options.retryWhen?.(outcome) ?? false)) return outcome;
        stale = outcome;
      } else if (isLast) {
        if (stale !== null) return stale;
        throw new ConnectionError(`${api.name} to the controller failed within ${timeoutMs} ms: ${outcome.message}`, {
          cause: outcome,
        });
      }
      await clock.sleep(retryBackoffMs);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#client?.close();
    this.#client = null;
  }

  async #attempt<A extends Api>(
    api: A,
    version: number,
    request: RequestIn<A>,
    deadlineMs: number,
  ): Promise<ResponseOut<A> | ConnectionError> {
    const controller = this.#options.controller();
    if (controller === null) return new ConnectionError('no controller is known');
    const timeoutMs = Math.max(1, deadlineMs - this.#options.clock.monotonicMs());
    try {
      return await this.#clientFor(controller).send(api, version, request, { timeoutMs });
    } catch (error) {
      if (error instanceof ConnectionError) return error;
      throw error;
    }
  }

  #clientFor({ host, port }: ControllerAddress): BrokerClient {
    const current = this.#client;
    if (current !== null && current.host === host && current.port === port) return current;
    current?.close();
    const { clientId, clock, logger, requestTimeoutMs } = this.#options;
    this.#client = new BrokerClient({ host, port, clientId, clock, logger, requestTimeoutMs, buffers: this.#buffers });
    return this.#client;
  }
}
