/**
 * ZooKeeper in memory, for tests of what is built on it: znodes with versions, ephemerals, multi, one-shot watches,
 * sessions that a test can expire. Every operation takes a turn of the event loop, as one over the network would at
 * least.
 */
import {
  ANY_VERSION,
  type CreateOptions,
  NO_OWNER,
  type Operation,
  type OperationResult,
  type ZnodeContent,
  ZooKeeperError,
  type ZooKeeperErrorCode,
  type ZooKeeperOperations,
  type ZooKeeperStat,
} from '../../src/zk/operations.ts';

interface Znode {
  readonly data: Buffer | null;
  readonly czxid: number;
  readonly mzxid: number;
  readonly version: number;
  readonly cversion: number;
  readonly ephemeralOwner: string;
}

type ChangeListener = (path: string, kind: 'data' | 'children') => void;

const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));

export class MemoryZooKeeper {
  readonly #znodes = new Map<string, Znode>([['/', { ...emptyZnode(0), data: null }]]);
  readonly #names = new Map<string, Set<string>>();
  #zxid = 0;
  #sessions = 0;
  #sequence = 0;
  readonly #listeners = new Set<ChangeListener>();
  /** Every committed write of data, for tests that judge the history. */
  readonly history: { path: string; data: Buffer | null; version: number }[] = [];

  client(): MemoryZooKeeperClient {
    return new MemoryZooKeeperClient(this);
  }

  openSession(): string {
    return (++this.#sessions).toString(16).padStart(16, '0');
  }

  onChange(listener: ChangeListener): void {
    this.#listeners.add(listener);
  }

  /** What the ensemble does when it has not heard of a session for too long. */
  expireSession(sessionId: string): void {
    for (const [path, { ephemeralOwner }] of this.#znodes)
      if (ephemeralOwner === sessionId) this.execute([{ type: 'delete', path, version: ANY_VERSION }], sessionId);
  }

  read(path: string): ZnodeContent | null {
    const znode = this.#znodes.get(path);
    return znode === undefined ? null : { data: znode.data, stat: this.#stat(path, znode) };
  }

  list(path: string): string[] | null {
    if (!this.#znodes.has(path)) return null;
    return [...(this.#names.get(path) ?? [])];
  }

  #put(path: string, znode: Znode | undefined): void {
    const parent = parentOf(path);
    const name = path.slice(path.lastIndexOf('/') + 1);
    const names = this.#names.get(parent) ?? new Set();
    this.#names.set(parent, names);
    if (znode === undefined) {
      this.#znodes.delete(path);
      names.delete(name);
    } else {
      this.#znodes.set(path, znode);
      names.add(name);
    }
  }

  /** All or nothing. */
  execute(operations: readonly Operation[], sessionId: string): OperationResult[] {
    const undo: [string, Znode | undefined][] = [];
    const zxid = this.#zxid + 1;
    const changes: [string, 'data' | 'children'][] = [];
    const results: OperationResult[] = [];
    for (const [index, operation] of operations.entries()) {
      undo.unshift([operation.path, this.#znodes.get(operation.path)]);
      const outcome = this.#apply(operation, sessionId, zxid, changes);
      if (typeof outcome === 'string') {
        for (const [path, znode] of undo.slice(1)) this.#put(path, znode);
        throw new ZooKeeperError(outcome, operation.path, undefined, operations.length > 1 ? index : null);
      }
      results.push(outcome);
    }
    this.#zxid = zxid;
    for (const operation of operations)
      if (operation.type === 'create' || operation.type === 'set')
        this.history.push({
          path: operation.path,
          data: operation.data,
          version: this.#znodes.get(operation.path)?.version ?? 0,
        });
    for (const [path, kind] of changes) for (const listener of this.#listeners) listener(path, kind);
    return results;
  }

  #apply(
    operation: Operation,
    sessionId: string,
    zxid: number,
    changes: [string, 'data' | 'children'][],
  ): OperationResult | ZooKeeperErrorCode {
    if (operation.type === 'create') return this.#create(operation, sessionId, zxid, changes);
    const { path, version } = operation;
    const znode = this.#znodes.get(path);
    if (znode === undefined) return 'NO_NODE';
    if (version !== ANY_VERSION && version !== znode.version) return 'BAD_VERSION';
    if (operation.type === 'check') return { type: 'check' };
    changes.push([path, 'data']);
    if (operation.type === 'set') {
      const updated = { ...znode, data: operation.data, version: znode.version + 1, mzxid: zxid };
      this.#put(path, updated);
      return { type: 'set', stat: this.#stat(path, updated) };
    }
    if ((this.#names.get(path)?.size ?? 0) > 0) return 'NOT_EMPTY';
    this.#put(path, undefined);
    changes.push([path, 'children'], [parentOf(path), 'children']);
    return { type: 'delete' };
  }

  #create(
    { path: asked, data, ephemeral, sequential }: { path: string; data: Buffer | null } & CreateOptions,
    sessionId: string,
    zxid: number,
    changes: [string, 'data' | 'children'][],
  ): OperationResult | ZooKeeperErrorCode {
    const path = sequential === true ? asked + String(this.#sequence++).padStart(10, '0') : asked;
    if (this.#znodes.has(path)) return 'NODE_EXISTS';
    if (!this.#znodes.has(parentOf(path))) return 'NO_NODE';
    const ephemeralOwner = ephemeral === true ? sessionId : NO_OWNER;
    this.#put(path, { ...emptyZnode(zxid), data, ephemeralOwner });
    changes.push([path, 'data'], [path, 'children'], [parentOf(path), 'children']);
    return { type: 'create', path };
  }

  #stat(path: string, znode: Znode): ZooKeeperStat {
    const { data: _data, ...stat } = znode;
    return { ...stat, ctimeMs: 0, mtimeMs: 0, numChildren: this.#names.get(path)?.size ?? 0 };
  }
}

function emptyZnode(zxid: number): Omit<Znode, 'data'> {
  return { czxid: zxid, mzxid: zxid, version: 0, cversion: 0, ephemeralOwner: NO_OWNER };
}

export class MemoryZooKeeperClient implements ZooKeeperOperations {
  readonly sessionTimeoutMs = 6000;
  readonly #server: MemoryZooKeeper;
  readonly #formerSessions = new Set<string>();
  readonly #dataWatches = new Watches();
  readonly #childWatches = new Watches();
  readonly #lost = new Set<() => void>();
  readonly #established = new Set<() => void>();
  #sessionId: string;
  #isExpired = false;
  /** Operations in flight; for tests that wait until nothing happens any more. */
  inFlight = 0;
  /** Watches are held back while this is set, as on a slow connection. */
  holdsWatches = false;
  readonly #heldWatches: (() => void)[] = [];

  constructor(server: MemoryZooKeeper) {
    this.#server = server;
    this.#sessionId = server.openSession();
    server.onChange((path, kind) => {
      const fire = (kind === 'data' ? this.#dataWatches : this.#childWatches).take(path);
      if (fire === null || this.#isExpired) return;
      if (this.holdsWatches) this.#heldWatches.push(fire);
      else setImmediate(fire);
    });
  }

  get sessionId(): string {
    return this.#sessionId;
  }

  wasMySession(sessionId: string): boolean {
    return this.#formerSessions.has(sessionId);
  }

  releaseWatches(): void {
    this.holdsWatches = false;
    for (const fire of this.#heldWatches.splice(0)) setImmediate(fire);
  }

  /** The ensemble gave the session up. Nothing works until `reconnect`; the owner learns it at once. */
  expire(): void {
    this.#isExpired = true;
    this.#formerSessions.add(this.#sessionId);
    for (const handler of [...this.#lost]) handler();
    this.#server.expireSession(this.#sessionId);
  }

  /** Ends the session at its owner's wish: it is not told. */
  async close(): Promise<void> {
    this.#isExpired = true;
    this.#server.expireSession(this.#sessionId);
  }

  reconnect(): void {
    this.#sessionId = this.#server.openSession();
    this.#isExpired = false;
    for (const handler of [...this.#established]) handler();
    for (const watches of [this.#dataWatches, this.#childWatches]) watches.fireAll();
  }

  get(path: string): Promise<ZnodeContent | null> {
    return this.#turn(() => {
      this.#dataWatches.arm(path);
      return this.#server.read(path);
    });
  }

  async exists(path: string): Promise<ZooKeeperStat | null> {
    return (await this.get(path))?.stat ?? null;
  }

  children(path: string): Promise<string[] | null> {
    return this.#turn(() => {
      this.#childWatches.arm(path);
      return this.#server.list(path);
    });
  }

  async create(path: string, data: Buffer | null, options: CreateOptions = {}): Promise<string> {
    const [result] = await this.multi([{ type: 'create', path, data, ...options }]);
    return result?.type === 'create' ? result.path : path;
  }

  async set(path: string, data: Buffer | null, version: number): Promise<ZooKeeperStat> {
    const [result] = await this.multi([{ type: 'set', path, data, version }]);
    if (result?.type !== 'set') throw new Error('no stat');
    return result.stat;
  }

  async delete(path: string, version: number): Promise<void> {
    await this.multi([{ type: 'delete', path, version }]);
  }

  multi(operations: readonly Operation[]): Promise<OperationResult[]> {
    return this.#turn(() => this.#server.execute(operations, this.#sessionId));
  }

  async createRecursive(path: string): Promise<void> {
    await this.#turn(() => {
      for (let end = path.indexOf('/', 1); ; end = path.indexOf('/', end + 1)) {
        const part = end === -1 ? path : path.slice(0, end);
        if (this.#server.read(part) === null)
          this.#server.execute([{ type: 'create', path: part, data: null }], this.#sessionId);
        if (end === -1) return;
      }
    });
  }

  async deleteRecursive(path: string): Promise<void> {
    for (const name of (await this.children(path)) ?? []) await this.deleteRecursive(`${path}/${name}`);
    if ((await this.exists(path)) !== null) await this.delete(path, ANY_VERSION);
  }

  barrier(): Promise<void> {
    return this.#turn(() => undefined);
  }

  watch(path: string, onChange: () => void): () => void {
    return this.#dataWatches.add(path, onChange);
  }

  watchChildren(path: string, onChange: () => void): () => void {
    return this.#childWatches.add(path, onChange);
  }

  onSessionLost(handler: () => void): () => void {
    this.#lost.add(handler);
    return () => this.#lost.delete(handler);
  }

  onSessionEstablished(handler: () => void): () => void {
    this.#established.add(handler);
    return () => this.#established.delete(handler);
  }

  async #turn<T>(operation: () => T): Promise<T> {
    const session = this.#sessionId;
    const check = (): void => {
      if (this.#isExpired || session !== this.#sessionId) throw new ZooKeeperError('SESSION_EXPIRED', null);
    };
    this.inFlight++;
    try {
      check();
      await new Promise<void>((resolve) => setImmediate(resolve));
      check();
      const result = operation();
      // The reply travels too: the session may be lost on its way.
      await new Promise<void>((resolve) => setImmediate(resolve));
      check();
      return result;
    } finally {
      this.inFlight--;
    }
  }
}

/** Handlers by path, each called at most once for each time that the path was read. */
class Watches {
  readonly #handlers = new Map<string, Set<() => void>>();
  readonly #armed = new Set<string>();

  add(path: string, handler: () => void): () => void {
    const handlers = this.#handlers.get(path) ?? new Set();
    this.#handlers.set(path, handlers.add(handler));
    return () => handlers.delete(handler);
  }

  arm(path: string): void {
    if ((this.#handlers.get(path)?.size ?? 0) > 0) this.#armed.add(path);
  }

  take(path: string): (() => void) | null {
    if (!this.#armed.delete(path)) return null;
    return () => {
      for (const handler of [...(this.#handlers.get(path) ?? [])]) handler();
    };
  }

  fireAll(): void {
    this.#armed.clear();
    for (const handlers of this.#handlers.values()) for (const handler of [...handlers]) handler();
  }
}
