/**
 * Sessions one after the other, and the requests that are made in them. Requests are sent in the order in which they
 * were made, at most so many unanswered at a time; those whose connection broke are sent again, before all others and
 * marked as such, since the server may have executed them. When the session is lost, whoever must stop acting in its
 * name is told first, synchronously; then every request that was made in it is rejected; then a new session is opened.
 */
import type { JuteRequest } from 'node-zookeeper-client/lib/jute/index.js';
import type { Clock } from '../lib/clock.ts';
import { Deferred } from '../lib/deferred.ts';
import { Histogram } from '../lib/histogram.ts';
import type { Logger } from '../lib/logger.ts';
import { NO_OWNER, ZooKeeperError } from './operations.ts';
import type { PendingRequest, RawConnectionOptions } from './raw-connection.ts';
import { RawConnection } from './raw-connection.ts';
import type { Reply, Request } from './requests.ts';
import { encodeRequest } from './requests.ts';

export type SessionState =
  /** No session yet. */
  | 'CONNECTING'
  | 'CONNECTED'
  /** The session may still live; a server is sought. */
  | 'DISCONNECTED'
  /** The session is over, or must be taken for it; a new one is sought. */
  | 'LOST'
  | 'CLOSED';

export interface Answer {
  readonly reply: Reply;
  /** The request was sent more than once: an earlier sending may have been executed. */
  readonly wasResent: boolean;
}

export interface SessionHandlers {
  onLost(): void;
  /** Every session but the first. */
  onEstablished(): void;
  onWatchEvent(path: string, changed: { data: boolean; children: boolean }): void;
}

export interface SessionsOptions extends RawConnectionOptions {
  readonly connectionTimeoutMs: number;
  readonly maxInFlightRequests: number;
  readonly maxWaitingRequests: number;
}

/** What is counted of sessions, as Kafka's SessionExpireListener does: plain numbers that grow. */
export class SessionCounters {
  connects = 0;
  disconnects = 0;
  /** Sessions that were given up. */
  expires = 0;
  /** From the making of a request to its answer. */
  readonly requestMs = new Histogram();
}

class Pending implements PendingRequest {
  readonly request: Request;
  readonly encoded: JuteRequest;
  readonly answer = new Deferred<Answer>();
  readonly madeMs: number;
  readonly #onAnswered: (answered: Pending) => void;
  wasResent = false;

  constructor(request: Request, madeMs: number, onAnswered: (answered: Pending) => void) {
    this.request = request;
    this.madeMs = madeMs;
    this.encoded = encodeRequest(request);
    this.#onAnswered = onAnswered;
  }

  onReply(reply: Reply): void {
    this.answer.resolve({ reply, wasResent: this.wasResent });
    this.#onAnswered(this);
  }

  reject(code: 'SESSION_EXPIRED' | 'CLOSED'): void {
    this.answer.reject(new ZooKeeperError(code, this.request.type === 'multi' ? null : this.request.path));
  }
}

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #handlers: SessionHandlers;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly counters = new SessionCounters();
  readonly #formerSessionIds = new Set<string>();
  readonly #firstConnected = new Deferred();
  #connection: RawConnection<Pending>;
  #state: SessionState = 'CONNECTING';
  #sessionId = NO_OWNER;
  /** Made and not sent, oldest first; the part before #waitingStart is gone. */
  #waiting: Pending[] = [];
  #waitingStart = 0;
  #inFlight = 0;
  /** Why no server was reached since there was a connection; null as long as none refused. */
  #whyUnreachable: string | null = null;

  constructor(options: SessionsOptions, handlers: SessionHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#connection = this.#newConnection();
  }

  get state(): SessionState {
    return this.#state;
  }

  get sessionId(): string {
    return this.#sessionId;
  }

  get sessionTimeoutMs(): number {
    return this.#connection.sessionTimeoutMs;
  }

  wasMySession(sessionId: string): boolean {
    return this.#formerSessionIds.has(sessionId);
  }

  /**
   * Judged when asked, by the clock: true as long as no server can have given up the session by now, with some reserve.
   */
  isLeaseValid(): boolean {
    const startMs = this.#connection.leaseStartMs;
    if (startMs === null || this.#state === 'LOST' || this.#state === 'CLOSED') return false;
    return this.#clock.monotonicMs() - startMs < (this.sessionTimeoutMs * 2) / 3;
  }

  /** @throws ZooKeeperError CONNECTION_TIMEOUT when no server can be reached in time; this object is closed then. */
  async connect(): Promise<void> {
    const timer = this.#clock.schedule(this.#options.connectionTimeoutMs, () => {
      const reason = this.#whyUnreachable === null ? '' : ` (${this.#whyUnreachable})`;
      const message =
        `Timed out waiting for connection to ZooKeeper at ${this.#serverNames} ` +
        `while in state: ${this.#state}${reason}`;
      this.#firstConnected.reject(new ZooKeeperError('CONNECTION_TIMEOUT', null, message));
    });
    this.#logger.info(`Initializing a new session to ${this.#serverNames}.`);
    this.#connection.connect();
    this.#logger.info('Waiting until connected.');
    try {
      await this.#firstConnected.promise;
    } catch (error) {
      await this.close(0);
      throw error;
    } finally {
      timer.cancel();
    }
  }

  async close(deadlineMs: number): Promise<void> {
    if (this.#state === 'CLOSED') return;
    this.#state = 'CLOSED';
    this.#firstConnected.reject(new ZooKeeperError('CLOSED', null));
    this.#firstConnected.promise.catch(() => this.#logger.debug('Closed before it was connected'));
    this.#rejectAll(this.#takeWaiting(), 'CLOSED');
    await this.#connection.close(deadlineMs);
  }

  /** Resolves with whatever a server answers. @throws ZooKeeperError when none did or the request was not sent. */
  submit(request: Request): Promise<Answer> {
    if (this.#state === 'CLOSED') return Promise.reject(new ZooKeeperError('CLOSED', null));
    if (this.#waiting.length - this.#waitingStart >= this.#options.maxWaitingRequests)
      return Promise.reject(new ZooKeeperError('TOO_MANY_REQUESTS', null));
    let pending: Pending;
    try {
      pending = new Pending(request, this.#clock.monotonicMs(), ({ madeMs }) => {
        this.#inFlight--;
        this.counters.requestMs.record(this.#clock.monotonicMs() - madeMs);
        this.#pump();
      });
    } catch (error) {
      return Promise.reject(error);
    }
    this.#waiting.push(pending);
    this.#pump();
    return pending.answer.promise;
  }

  #pump(): void {
    while (this.#state === 'CONNECTED' && this.#inFlight < this.#options.maxInFlightRequests) {
      const next = this.#waiting[this.#waitingStart];
      if (next === undefined) return;
      this.#waitingStart++;
      if (this.#waitingStart > 1000 && this.#waitingStart * 2 > this.#waiting.length) this.#takeWaiting(true);
      this.#inFlight++;
      this.#connection.send(next);
    }
  }

  /** Everything that waits; `keep` only drops the part of the array that is behind us. */
  #takeWaiting(keep = false): Pending[] {
    const waiting = this.#waiting.slice(this.#waitingStart);
    this.#waiting = keep ? waiting : [];
    this.#waitingStart = 0;
    return waiting;
  }

  get #serverNames(): string {
    return this.#options.servers.map(({ host, port }) => `${host}:${port}`).join(',');
  }

  #rejectAll(requests: readonly Pending[], code: 'SESSION_EXPIRED' | 'CLOSED'): void {
    for (const pending of requests) pending.reject(code);
  }

  #newConnection(): RawConnection<Pending> {
    const connection: RawConnection<Pending> = new RawConnection<Pending>(this.#options, {
      onConnected: () => this.#onConnected(connection),
      onDisconnected: (unanswered) => this.#onDisconnected(connection, unanswered),
      onExpired: () => {
        if (connection !== this.#connection || this.#state === 'CLOSED') return;
        this.#lose(`ZooKeeper says that session 0x${this.#sessionId} expired`);
        this.#logger.info(`Initializing a new session to ${this.#serverNames}.`);
        this.#connection = this.#newConnection();
        this.#connection.connect();
      },
      onUnreachable: (reason) => this.#onUnreachable(reason),
      onLeaseOver: () => this.#lose(`No ZooKeeper server could be reached for ${this.sessionTimeoutMs} ms`),
      onWatchEvent: (path, changed) => {
        if (connection === this.#connection && this.#state !== 'CLOSED') this.#handlers.onWatchEvent(path, changed);
      },
    });
    return connection;
  }

  #onConnected(connection: RawConnection<Pending>): void {
    if (connection !== this.#connection || this.#state === 'CLOSED') return;
    const { sessionId, sessionTimeoutMs } = connection;
    if (this.#sessionId !== NO_OWNER && this.#sessionId !== sessionId) this.#formerSessionIds.add(this.#sessionId);
    this.#formerSessionIds.delete(sessionId);
    const isFirst = this.#sessionId === NO_OWNER;
    const wasLost = this.#state === 'LOST';
    this.#sessionId = sessionId;
    this.#state = 'CONNECTED';
    this.counters.connects++;
    this.#whyUnreachable = null;
    this.#logger.info(`Connected to ZooKeeper, session 0x${sessionId}, timeout ${sessionTimeoutMs} ms`);
    if (isFirst) this.#firstConnected.resolve();
    else if (wasLost) this.#handlers.onEstablished();
    this.#pump();
  }

  /** Said once until there is a connection: it is tried again many times a second. */
  #onUnreachable(reason: string): void {
    if (this.#state === 'CONNECTED' || this.#state === 'CLOSED') return;
    if (this.#whyUnreachable === null)
      this.#logger.warn(`A ZooKeeper server cannot be reached, trying again until one can: ${reason}`);
    this.#whyUnreachable = reason;
  }

  #onDisconnected(connection: RawConnection<Pending>, unanswered: Pending[]): void {
    if (connection === this.#connection) this.#inFlight = 0;
    if (connection !== this.#connection || this.#state === 'CLOSED' || this.#state === 'LOST') {
      this.#rejectAll(unanswered, this.#state === 'CLOSED' ? 'CLOSED' : 'SESSION_EXPIRED');
      return;
    }
    for (const pending of unanswered) pending.wasResent = true;
    this.#waiting = [...unanswered, ...this.#takeWaiting()];
    if (this.#state !== 'CONNECTED') return;
    this.#state = 'DISCONNECTED';
    this.counters.disconnects++;
    this.#logger.info(`Disconnected from ZooKeeper, session 0x${this.#sessionId}; seeking a server`);
  }

  #lose(reason: string): void {
    if (this.#state === 'LOST' || this.#state === 'CLOSED') return;
    this.#logger.warn(`ZooKeeper session lost: ${reason}`);
    this.#state = 'LOST';
    this.counters.expires++;
    const requests = this.#takeWaiting();
    this.#handlers.onLost();
    this.#rejectAll(requests, 'SESSION_EXPIRED');
  }
}
