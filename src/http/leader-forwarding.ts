/**
 * Passes requests to the Schema Registry on to the broker that leads `_schemas`-0, over HTTP, and brings the topic into
 * being when it is asked for the first time.
 *
 * Guarantees: while nobody leads, or the leader has just changed, a request waits for a bounded time and is tried
 * again; one that may have been carried out already is tried again only when that changes nothing (a deletion is not);
 * a broker that has become the leader meanwhile is told to answer itself.
 */
import { Agent, request as httpRequest } from 'node:http';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { forwardingFailed, leaderUnknown } from '../registry/registry-errors.ts';
import { FORWARDED_HEADER, type ForwardedReply, type ForwardedRequest } from './schema-registry.ts';

export interface HttpAddress {
  readonly host: string;
  readonly port: number;
}

export interface LeaderForwardingOptions {
  /** Whether it is this broker that answers. */
  readonly isLeader: () => boolean;
  /** Where the leader listens for HTTP; null while that is not known. Throws when it does not listen at all. */
  readonly leader: () => HttpAddress | null;
  /** Whether the topic is known to be there. */
  readonly hasTopic: () => boolean;
  readonly createTopic: () => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a request may wait for a leader. */
  readonly timeoutMs: number;
  /** After how long a silent leader is taken for dead, and looked for again. */
  readonly attemptTimeoutMs: number;
}

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';
const RETRY_MS = 100;
const MAX_CONNECTIONS = 32;
const MAX_WAITING = 1000;
const LEADER_UNKNOWN = '"error_code":50004,';
/** Nothing of the request can have been done. */
const NOT_SENT: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND']);

export class LeaderForwarding {
  readonly #options: LeaderForwardingOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS });
  #waiting = 0;
  #isClosed = false;

  constructor(options: LeaderForwardingOptions) {
    this.#options = options;
  }

  /** Null when this broker is to answer itself. Rejects with a RegistryError when nobody can be asked. */
  async forward(request: ForwardedRequest): Promise<ForwardedReply | null> {
    if (this.#waiting >= MAX_WAITING) throw leaderUnknown();
    this.#waiting++;
    try {
      return await this.#try(request);
    } finally {
      this.#waiting--;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#agent.destroy();
  }

  async #try(request: ForwardedRequest): Promise<ForwardedReply | null> {
    const { isLeader, leader, hasTopic, createTopic, clock, timeoutMs } = this.#options;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    let failure: Error | null = null;
    while (!this.#isClosed) {
      if (isLeader()) return null;
      const address = leader();
      if (address !== null) {
        const answer = await this.#send(address, request);
        if (!(answer instanceof Error)) return answer;
        failure = answer;
      } else if (!hasTopic()) await createTopic();
      if (clock.monotonicMs() >= deadlineMs) break;
      await clock.sleep(RETRY_MS);
    }
    throw failure === null
      ? leaderUnknown()
      : forwardingFailed(`Error while forwarding the request: ${failure.message}`);
  }

  /** What went wrong when trying again makes sense. */
  async #send(address: HttpAddress, request: ForwardedRequest): Promise<ForwardedReply | Error> {
    try {
      const reply = await this.#exchange(address, request);
      const isLeaderless = reply.status === 500 && reply.body.includes(LEADER_UNKNOWN);
      return isLeaderless ? new Error('the leader has changed') : reply;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const mayBeDone = !('code' in error && NOT_SENT.has(String(error.code)));
      this.#options.logger.debug(`${request.method} to ${address.host}:${address.port} failed: ${error.message}`);
      if (mayBeDone && request.method === 'DELETE')
        throw forwardingFailed(`Error while forwarding the request: ${error.message}`);
      return error;
    }
  }

  #exchange({ host, port }: HttpAddress, { method, url, body }: ForwardedRequest): Promise<ForwardedReply> {
    const headers = {
      [FORWARDED_HEADER]: 'true',
      ...(body === '' ? {} : { 'content-type': CONTENT_TYPE, 'content-length': Buffer.byteLength(body) }),
    };
    return new Promise((resolve, reject) => {
      const timeout = this.#options.attemptTimeoutMs;
      const sent = httpRequest({ host, port, path: url, method, headers, agent: this.#agent, timeout });
      sent.once('timeout', () => sent.destroy(new Error(`no answer within ${timeout} ms`)));
      sent.once('error', reject);
      sent.once('response', (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.once('error', reject);
        response.once('end', () => {
          resolve({ status: response.statusCode ?? 500, body: Buffer.concat(parts).toString() });
        });
      });
      sent.end(body);
    });
  }
}
