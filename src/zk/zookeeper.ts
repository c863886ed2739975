/**
 * ZooKeeper as the broker sees it: promises instead of callbacks, one object that outlives connections and sessions,
 * and all the operations and guarantees that operations.ts promises.
 *
 * From the bottom up: raw-connection.ts cures the client package, sessions.ts queues, repeats and answers requests,
 * lost-replies.ts finds out what became of a write, watch-handlers.ts remembers who wants to know.
 */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { acrossSessions } from './across-sessions.ts';
import { parseConnectString } from './connect-string.ts';
import { resultsIfExecuted } from './lost-replies.ts';
import type {
  CreateOptions,
  Operation,
  OperationResult,
  ZnodeContent,
  ZooKeeperOperations,
  ZooKeeperStat,
} from './operations.ts';
import { ANY_VERSION, isZooKeeperError, ZooKeeperError } from './operations.ts';
import type { Request } from './requests.ts';
import { failureOfMulti, replyError, resultsOfMulti } from './requests.ts';
import type { Answer, SessionCounters, SessionState } from './sessions.ts';
import { Sessions } from './sessions.ts';
import { WatchHandlers } from './watch-handlers.ts';

export interface ZooKeeperOptions {
  /** zookeeper.connect */
  readonly connectString: string;
  /** zookeeper.session.timeout.ms; the server may grant another. */
  readonly sessionTimeoutMs: number;
  /** zookeeper.connection.timeout.ms: for the first connection. */
  readonly connectionTimeoutMs: number;
  /** Measured: 200 are as fast as any number. (zookeeper.max.in.flight.requests is 10 in Kafka.) */
  readonly maxInFlightRequests?: number;
  /** Requests beyond this are refused with TOO_MANY_REQUESTS. */
  readonly maxWaitingRequests?: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long a server gets to end the session when we close. */
const CLOSE_DEADLINE_MS = 5000;
/** Refusals that may be the echo of the first execution of a request that was sent twice. */
const ECHOES = ['NODE_EXISTS', 'BAD_VERSION', 'NO_NODE', 'NOT_EMPTY'] as const;

export class ZooKeeper implements ZooKeeperOperations {
  readonly #sessions: Sessions;
  readonly #chroot: string;
  readonly #logger: Logger;
  readonly #dataHandlers: WatchHandlers;
  readonly #childHandlers: WatchHandlers;
  readonly #lostHandlers = new Set<() => void>();
  readonly #establishedHandlers = new Set<() => void>();

  /** @throws ConnectStringError */
  constructor({ connectString, clock, logger, ...options }: ZooKeeperOptions) {
    const { servers, chroot } = parseConnectString(connectString);
    this.#chroot = chroot;
    this.#logger = logger;
    this.#dataHandlers = new WatchHandlers(logger);
    this.#childHandlers = new WatchHandlers(logger);
    this.#sessions = new Sessions(
      { maxInFlightRequests: 200, maxWaitingRequests: 200_000, ...options, servers, clock, logger },
      {
        onLost: () => this.#tellAll(this.#lostHandlers),
        onEstablished: () => {
          this.#tellAll(this.#establishedHandlers);
          // A new session has no watches and may have missed changes: everybody reads again, which arms them anew.
          this.#dataHandlers.fireAll();
          this.#childHandlers.fireAll();
        },
        onWatchEvent: (fullPath, changed) => {
          const path = this.#withoutChroot(fullPath);
          if (changed.data) this.#dataHandlers.fire(path);
          if (changed.children) this.#childHandlers.fire(path);
        },
      },
    );
  }

  /** Connects and makes sure that the chroot exists. @throws ZooKeeperError CONNECTION_TIMEOUT */
  async connect(): Promise<void> {
    await this.#sessions.connect();
    if (this.#chroot !== '') await acrossSessions(() => this.#createRecursive(this.#chroot));
  }

  /** Ends the session: its ephemeral znodes are gone when this resolves, unless no server could be told. */
  close(): Promise<void> {
    return this.#sessions.close(CLOSE_DEADLINE_MS);
  }

  get state(): SessionState {
    return this.#sessions.state;
  }

  get counters(): SessionCounters {
    return this.#sessions.counters;
  }

  get sessionId(): string {
    return this.#sessions.sessionId;
  }

  get sessionTimeoutMs(): number {
    return this.#sessions.sessionTimeoutMs;
  }

  wasMySession(sessionId: string): boolean {
    return this.#sessions.wasMySession(sessionId);
  }

  /** Whether the ensemble cannot have given up our session by now. Ask at the moment of acting on it. */
  isLeaseValid(): boolean {
    return this.#sessions.isLeaseValid();
  }

  async get(path: string): Promise<ZnodeContent | null> {
    const watch = this.#dataHandlers.has(path);
    const content = await this.#read(this.#full(path), watch);
    // A get leaves no watch on a znode that is not there; only exists does.
    if (content === null && watch && (await this.exists(path)) !== null) return this.get(path);
    return content;
  }

  async exists(path: string): Promise<ZooKeeperStat | null> {
    // A list of children that is watched before its parent exists is told of the parent's creation.
    const watch = this.#dataHandlers.has(path) || this.#childHandlers.has(path);
    const full = this.#full(path);
    const { reply } = await this.#sessions.submit({ type: 'exists', path: full, watch });
    if (reply.error !== 0) return nullIfNoNode(replyError(reply.error, full));
    return reply.stat ?? null;
  }

  async children(path: string): Promise<string[] | null> {
    const full = this.#full(path);
    const watch = this.#childHandlers.has(path);
    const { reply } = await this.#sessions.submit({ type: 'children', path: full, watch });
    if (reply.error === 0) return reply.children ?? [];
    const missing = nullIfNoNode(replyError(reply.error, full));
    if (watch && (await this.exists(path)) !== null) return this.children(path);
    return missing;
  }

  async create(path: string, data: Buffer | null, options: CreateOptions = {}): Promise<string> {
    return this.#withoutChroot(await this.#create(this.#full(path), data, options));
  }

  async set(path: string, data: Buffer | null, version: number): Promise<ZooKeeperStat> {
    const request = { type: 'set', path: this.#full(path), data, version } as const;
    const answer = await this.#sessions.submit(request);
    if (answer.reply.stat !== undefined) return answer.reply.stat;
    const [result] = await this.#resolve(request, answer);
    if (result?.type !== 'set') throw new ZooKeeperError('DATA_INCONSISTENCY', path);
    return result.stat;
  }

  async delete(path: string, version: number): Promise<void> {
    const request = { type: 'delete', path: this.#full(path), version } as const;
    const answer = await this.#sessions.submit(request);
    if (answer.reply.error !== 0) await this.#resolve(request, answer);
  }

  async multi(operations: readonly Operation[]): Promise<OperationResult[]> {
    const full = operations.map((operation) => ({ ...operation, path: this.#full(operation.path) }));
    const answer = await this.#sessions.submit({ type: 'multi', operations: full });
    const { reply, wasResent } = answer;
    const failure = reply.error === 0 ? failureOfMulti(reply) : { index: null, error: reply.error };
    const results = failure === null ? resultsOfMulti(full, reply) : wasResent ? await this.#readBack(full) : null;
    if (results === null)
      throw replyError(failure?.error ?? 0, operations[failure?.index ?? 0]?.path ?? null, failure?.index ?? null);
    return results.map((result) =>
      result.type === 'create' ? { ...result, path: this.#withoutChroot(result.path) } : result,
    );
  }

  createRecursive(path: string): Promise<void> {
    return this.#createRecursive(this.#full(path));
  }

  async deleteRecursive(path: string): Promise<void> {
    for (;;) {
      const names = await this.children(path);
      if (names === null) return;
      await Promise.all(names.map((name) => this.deleteRecursive(path === '/' ? `/${name}` : `${path}/${name}`)));
      try {
        return await this.delete(path, ANY_VERSION);
      } catch (error) {
        if (isZooKeeperError(error, 'NO_NODE')) return;
        // Something was created below it in the meantime.
        if (!isZooKeeperError(error, 'NOT_EMPTY')) throw error;
      }
    }
  }

  /** There is no sync in the client package; a transaction goes through the ensemble's leader too. */
  async barrier(): Promise<void> {
    await this.multi([{ type: 'check', path: '/', version: ANY_VERSION }]);
  }

  watch(path: string, onChange: () => void): () => void {
    return this.#dataHandlers.add(path, onChange);
  }

  watchChildren(path: string, onChange: () => void): () => void {
    return this.#childHandlers.add(path, onChange);
  }

  onSessionLost(handler: () => void): () => void {
    this.#lostHandlers.add(handler);
    return () => this.#lostHandlers.delete(handler);
  }

  onSessionEstablished(handler: () => void): () => void {
    this.#establishedHandlers.add(handler);
    return () => this.#establishedHandlers.delete(handler);
  }

  #tellAll(handlers: ReadonlySet<() => void>): void {
    for (const handler of [...handlers]) {
      try {
        handler();
      } catch (error) {
        this.#logger.error('A handler of a ZooKeeper session change failed', error);
      }
    }
  }

  async #read(full: string, watch: boolean): Promise<ZnodeContent | null> {
    const { reply } = await this.#sessions.submit({ type: 'get', path: full, watch });
    if (reply.error !== 0) return nullIfNoNode(replyError(reply.error, full));
    if (reply.stat === undefined) throw new ZooKeeperError('DATA_INCONSISTENCY', full);
    return { data: reply.data ?? null, stat: reply.stat };
  }

  async #create(full: string, data: Buffer | null, options: CreateOptions): Promise<string> {
    const request = { type: 'create', path: full, data, ...options } as const;
    const answer = await this.#sessions.submit(request);
    if (answer.reply.error === 0) return answer.reply.path ?? full;
    await this.#resolve(request, answer);
    return full;
  }

  async #createRecursive(full: string): Promise<void> {
    // Most often it is there, and a read takes no disk of any server.
    const { reply } = await this.#sessions.submit({ type: 'exists', path: full, watch: false });
    if (reply.error === 0) return;
    try {
      await this.#create(full, null, {});
    } catch (error) {
      if (isZooKeeperError(error, 'NODE_EXISTS')) return;
      if (!isZooKeeperError(error, 'NO_NODE')) throw error;
      await this.#createRecursive(full.slice(0, full.lastIndexOf('/')));
      await this.#createRecursive(full);
    }
  }

  /** What became of a refused write. @throws the refusal, unless it is the echo of its own execution. */
  async #resolve(
    request: Exclude<Operation, { type: 'check' }> & Request,
    { reply, wasResent }: Answer,
  ): Promise<OperationResult[]> {
    const refusal = replyError(reply.error, this.#withoutChroot(request.path));
    const results = wasResent && isZooKeeperError(refusal, ...ECHOES) ? await this.#readBack([request]) : null;
    if (results === null) throw refusal;
    return results;
  }

  #readBack(operations: readonly Operation[]): Promise<OperationResult[] | null> {
    const { sessionId } = this.#sessions;
    return resultsIfExecuted(operations, { sessionId, read: (full) => this.#read(full, false) });
  }

  #full(path: string): string {
    return path === '/' && this.#chroot !== '' ? this.#chroot : this.#chroot + path;
  }

  #withoutChroot(full: string): string {
    return full === this.#chroot ? '/' : full.slice(this.#chroot.length);
  }
}

function nullIfNoNode(error: ZooKeeperError): null {
  if (error.code !== 'NO_NODE') throw error;
  return null;
}
