/**
 * What can be asked of ZooKeeper and what can come back: the shape of the `ZooKeeper` class, without the class, so
 * that the typed stores can also stand on a simulated ensemble.
 *
 * Every operation is bound to the session that is alive when it is called, or, while there is none, to the next one. It
 * outlives lost connections: reads are repeated, and a write whose reply was lost is repeated and, when the repetition
 * fails, resolved by reading back, so that CONNECTION_LOSS never reaches the caller of a write that can be told apart.
 * Telling needs the znode as the write left it: wait for one conditional write of a znode before making the next.
 * When the session is lost, everything that waits is rejected with SESSION_EXPIRED: what to do next belongs to the
 * owner of the session. An operation that cannot reach a server waits for as long as the session may live.
 */
export type ZooKeeperErrorCode =
  | 'SYSTEM_ERROR'
  | 'RUNTIME_INCONSISTENCY'
  | 'DATA_INCONSISTENCY'
  | 'CONNECTION_LOSS'
  | 'MARSHALLING_ERROR'
  | 'UNIMPLEMENTED'
  | 'OPERATION_TIMEOUT'
  | 'BAD_ARGUMENTS'
  | 'API_ERROR'
  | 'NO_NODE'
  | 'NO_AUTH'
  | 'BAD_VERSION'
  | 'NO_CHILDREN_FOR_EPHEMERALS'
  | 'NODE_EXISTS'
  | 'NOT_EMPTY'
  | 'SESSION_EXPIRED'
  | 'INVALID_CALLBACK'
  | 'INVALID_ACL'
  | 'AUTH_FAILED'
  | 'SESSION_MOVED'
  | 'QUOTA_EXCEEDED'
  | 'THROTTLED'
  /** A code that this client does not know. */
  | 'UNKNOWN'
  /** No server answered in time when connecting for the first time. */
  | 'CONNECTION_TIMEOUT'
  /** Refused here: a server would cut the connection over a request of more than a megabyte. */
  | 'REQUEST_TOO_LARGE'
  /** Refused here: too many operations wait for the connection. */
  | 'TOO_MANY_REQUESTS'
  /** This client was closed. */
  | 'CLOSED';

export class ZooKeeperError extends Error {
  override readonly name = 'ZooKeeperError';
  readonly code: ZooKeeperErrorCode;
  readonly path: string | null;
  /** In a failed multi: the index of the operation that was refused; all others had no effect. Else null. */
  readonly failedOperation: number | null;

  constructor(code: ZooKeeperErrorCode, path: string | null, message?: string, failedOperation: number | null = null) {
    super(message ?? `ZooKeeper error ${code}${path === null ? '' : ` for ${path}`}`);
    this.code = code;
    this.path = path;
    this.failedOperation = failedOperation;
  }

  /** The same failure, counted as if the multi had begun with its second operation. */
  withoutFirstOperation(): ZooKeeperError {
    const index = this.failedOperation === null ? null : this.failedOperation - 1;
    return new ZooKeeperError(this.code, this.path, this.message, index);
  }
}

export function isZooKeeperError(error: unknown, ...codes: ZooKeeperErrorCode[]): error is ZooKeeperError {
  return error instanceof ZooKeeperError && (codes.length === 0 || codes.includes(error.code));
}

export interface ZooKeeperStat {
  /** Transaction that created the znode. Exact up to 2^53: two million elections of the ensemble's leader. */
  readonly czxid: number;
  readonly mzxid: number;
  readonly version: number;
  readonly cversion: number;
  readonly ctimeMs: number;
  readonly mtimeMs: number;
  readonly numChildren: number;
  /** The session that the znode lives with, 16 hexadecimal digits; NO_OWNER when it is persistent. */
  readonly ephemeralOwner: string;
}

export const NO_OWNER = '0000000000000000';
/** Instead of a version: whatever the version is. */
export const ANY_VERSION = -1;

export interface CreateOptions {
  readonly ephemeral?: boolean;
  /** A number is appended to the name. After a lost reply there may be two of them. */
  readonly sequential?: boolean;
}

export type Operation =
  | ({ readonly type: 'create'; readonly path: string; readonly data: Buffer | null } & CreateOptions)
  | { readonly type: 'set'; readonly path: string; readonly data: Buffer | null; readonly version: number }
  | { readonly type: 'delete'; readonly path: string; readonly version: number }
  | { readonly type: 'check'; readonly path: string; readonly version: number };

/** One per operation of a multi, in the same order. */
export type OperationResult =
  | { readonly type: 'create'; readonly path: string }
  | { readonly type: 'set'; readonly stat: ZooKeeperStat }
  | { readonly type: 'delete' }
  | { readonly type: 'check' };

/** Reads of one znode at one moment. */
export interface ZnodeContent {
  readonly data: Buffer | null;
  readonly stat: ZooKeeperStat;
}

export interface ZooKeeperOperations {
  /** 16 hexadecimal digits; NO_OWNER before the first session. */
  readonly sessionId: string;
  /** As the server granted it. */
  readonly sessionTimeoutMs: number;
  /** Whether this client had a session of that id earlier. */
  wasMySession(sessionId: string): boolean;

  get(path: string): Promise<ZnodeContent | null>;
  exists(path: string): Promise<ZooKeeperStat | null>;
  /** Names, not paths; in no order. Null when the znode is missing. */
  children(path: string): Promise<string[] | null>;
  /** Resolves with the path, which a sequential create makes up. Rejects with NODE_EXISTS, NO_NODE (of the parent) … */
  create(path: string, data: Buffer | null, options?: CreateOptions): Promise<string>;
  /** Rejects with BAD_VERSION, NO_NODE. */
  set(path: string, data: Buffer | null, version: number): Promise<ZooKeeperStat>;
  /** Rejects with BAD_VERSION, NO_NODE, NOT_EMPTY. */
  delete(path: string, version: number): Promise<void>;
  /** All or nothing. Rejects with the code of the operation that was refused and its index. */
  multi(operations: readonly Operation[]): Promise<OperationResult[]>;
  /** Creates the znode without data, and its parents; whatever exists already is left as it is. */
  createRecursive(path: string): Promise<void>;
  /** Deletes the znode and all below it, leaves first. Missing znodes are no error. */
  deleteRecursive(path: string): Promise<void>;
  /** After it, reads of this client see everything that any client had written before the call (ZooKeeper's sync). */
  barrier(): Promise<void>;

  /**
   * Calls the handler when the znode's data may have changed or it came or went. A watch carries no data: read again.
   * It is armed by every get or exists of that path from now on, so register first and then read. After a session was
   * lost and a new one is there, the handler is called once, since changes may have been missed. Returns the end of it.
   */
  watch(path: string, onChange: () => void): () => void;
  /** The same for the list of children; armed by every children of that path. */
  watchChildren(path: string, onChange: () => void): () => void;

  /** Called synchronously, before anything else learns of it, when the session is lost: stop acting in its name. */
  onSessionLost(handler: () => void): () => void;
  /**
   * Called for each session after the first one (or for the same one, if a server gave it back after we gave it up).
   */
  onSessionEstablished(handler: () => void): () => void;
}
