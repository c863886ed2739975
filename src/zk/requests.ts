/**
 * Operations as ZooKeeper's wire requests and replies, by the client package's codec. The package's own builders are
 * passed by: its Transaction sends version 0 as -1, "any version", which would make the first conditional write of
 * every znode unconditional.
 */
import type { JuteRecord, JuteRequest, JuteResponse, JuteStat } from 'node-zookeeper-client/lib/jute/index.js';
import jute from 'node-zookeeper-client/lib/jute/index.js';
import type { CreateOptions, Operation, OperationResult, ZooKeeperErrorCode, ZooKeeperStat } from './operations.ts';
import { ZooKeeperError } from './operations.ts';
import type { WatchKind } from './watch-table.ts';

export type Request =
  | { readonly type: 'get' | 'exists' | 'children'; readonly path: string; readonly watch: boolean }
  | Exclude<Operation, { type: 'check' }>
  | { readonly type: 'multi'; readonly operations: readonly Operation[] };

/** What a server answered: `error` is 0 or ZooKeeper's code. */
export interface Reply {
  readonly error: number;
  readonly path?: string;
  readonly data?: Buffer;
  readonly stat?: ZooKeeperStat;
  readonly children?: string[];
  readonly results?: readonly { readonly error: number; readonly path?: string; readonly stat?: ZooKeeperStat }[];
}

export const SESSION_EXPIRED = -112;
export const SESSION_MOVED = -118;
const NO_NODE = -101;
/** What the other operations of a refused multi carry. */
const RUNTIME_INCONSISTENCY = -2;

/**
 * A server cuts the connection over a request of jute.maxbuffer (1 MiB - 1) or more, and would do so again for the
 * repetition. This leaves room for the header.
 */
const MAX_REQUEST_BYTES = 1_048_000;

const EPHEMERAL_FLAG = 1;
const SEQUENTIAL_FLAG = 2;
const ALL_PERMISSIONS = 31;
const { OP_CODES, protocol } = jute;
const OPEN_ACL = [new jute.data.ACL(ALL_PERMISSIONS, new jute.data.Id('world', 'anyone'))];

/** @throws ZooKeeperError REQUEST_TOO_LARGE. */
export function encodeRequest(request: Request): JuteRequest {
  const { code, payload } = encodePayload(request);
  if (payload.byteLength() > MAX_REQUEST_BYTES)
    throw new ZooKeeperError('REQUEST_TOO_LARGE', request.type === 'multi' ? null : request.path);
  return new jute.Request(new protocol.RequestHeader(0, code), payload);
}

function encodePayload(request: Request): { code: number; payload: JuteRecord } {
  switch (request.type) {
    case 'get':
      return { code: OP_CODES.GET_DATA, payload: new protocol.GetDataRequest(request.path, request.watch) };
    case 'exists':
      return { code: OP_CODES.EXISTS, payload: new protocol.ExistsRequest(request.path, request.watch) };
    case 'children':
      return { code: OP_CODES.GET_CHILDREN2, payload: new protocol.GetChildren2Request(request.path, request.watch) };
    case 'create': {
      const payload = new protocol.CreateRequest(request.path, request.data, OPEN_ACL, createFlags(request));
      return { code: OP_CODES.CREATE, payload };
    }
    case 'set': {
      const payload = new protocol.SetDataRequest(request.path, request.data, request.version);
      return { code: OP_CODES.SET_DATA, payload };
    }
    case 'delete':
      return { code: OP_CODES.DELETE, payload: new protocol.DeleteRequest(request.path, request.version) };
    case 'multi':
      return { code: OP_CODES.MULTI, payload: new jute.TransactionRequest(request.operations.map(encodeOperation)) };
  }
}

function createFlags({ ephemeral = false, sequential = false }: CreateOptions): number {
  return (ephemeral ? EPHEMERAL_FLAG : 0) | (sequential ? SEQUENTIAL_FLAG : 0);
}

function encodeOperation(operation: Operation): ConstructorParameters<typeof jute.TransactionRequest>[0][number] {
  const { path } = operation;
  switch (operation.type) {
    case 'create': {
      const acls = OPEN_ACL.map((record) => ({ toRecord: () => record }));
      return { type: OP_CODES.CREATE, path, data: operation.data ?? undefined, acls, mode: createFlags(operation) };
    }
    case 'set':
      return { type: OP_CODES.SET_DATA, path, data: operation.data ?? undefined, version: operation.version };
    case 'delete':
      return { type: OP_CODES.DELETE, path, version: operation.version };
    case 'check':
      return { type: OP_CODES.CHECK, path, version: operation.version };
  }
}

export function decodeReply(response: JuteResponse): Reply {
  const { header, payload } = response;
  if (payload === null) return { error: header.err };
  return {
    error: header.err,
    ...(payload.path === undefined ? {} : { path: payload.path }),
    ...(payload.data === undefined ? {} : { data: payload.data }),
    ...(payload.stat === undefined ? {} : { stat: decodeStat(payload.stat) }),
    ...(payload.children === undefined ? {} : { children: payload.children }),
    ...(payload.results === undefined ? {} : { results: payload.results.map(decodeResult) }),
  };
}

function decodeResult(result: { type: number; path?: string; stat?: JuteStat; err?: number }) {
  return {
    error: result.type === OP_CODES.ERROR ? (result.err ?? RUNTIME_INCONSISTENCY) : 0,
    ...(result.path === undefined ? {} : { path: result.path }),
    ...(result.stat === undefined ? {} : { stat: decodeStat(result.stat) }),
  };
}

function decodeStat(stat: JuteStat): ZooKeeperStat {
  return {
    czxid: Number(stat.czxid.readBigInt64BE()),
    mzxid: Number(stat.mzxid.readBigInt64BE()),
    version: stat.version,
    cversion: stat.cversion,
    ctimeMs: Number(stat.ctime.readBigInt64BE()),
    mtimeMs: Number(stat.mtime.readBigInt64BE()),
    numChildren: stat.numChildren,
    ephemeralOwner: stat.ephemeralOwner.toString('hex'),
  };
}

/** The watch that a server has set for this request, if any. */
export function armedWatch(request: Request, error: number): { kind: WatchKind; path: string } | null {
  if (!('watch' in request) || !request.watch) return null;
  if (error === 0) return { kind: request.type === 'children' ? 'child' : 'data', path: request.path };
  return request.type === 'exists' && error === NO_NODE ? { kind: 'exist', path: request.path } : null;
}

/** The operation of a refused multi that is to blame; null when the multi succeeded. */
export function failureOfMulti(reply: Reply): { index: number; error: number } | null {
  const results = reply.results ?? [];
  const culpritIndex = results.findIndex(({ error }) => error !== 0 && error !== RUNTIME_INCONSISTENCY);
  const index = culpritIndex === -1 ? results.findIndex(({ error }) => error !== 0) : culpritIndex;
  const culprit = results[index];
  return culprit === undefined ? null : { index, error: culprit.error };
}

export function resultsOfMulti(operations: readonly Operation[], reply: Reply): OperationResult[] {
  return operations.map((operation, index): OperationResult => {
    const result = reply.results?.[index];
    switch (operation.type) {
      case 'create':
        return { type: 'create', path: result?.path ?? operation.path };
      case 'set':
        if (result?.stat === undefined) throw new ZooKeeperError('DATA_INCONSISTENCY', operation.path);
        return { type: 'set', stat: result.stat };
      default:
        return { type: operation.type };
    }
  });
}

const CODES = new Map<number, ZooKeeperErrorCode>([
  [-1, 'SYSTEM_ERROR'],
  [RUNTIME_INCONSISTENCY, 'RUNTIME_INCONSISTENCY'],
  [-3, 'DATA_INCONSISTENCY'],
  [-4, 'CONNECTION_LOSS'],
  [-5, 'MARSHALLING_ERROR'],
  [-6, 'UNIMPLEMENTED'],
  [-7, 'OPERATION_TIMEOUT'],
  [-8, 'BAD_ARGUMENTS'],
  [-100, 'API_ERROR'],
  [NO_NODE, 'NO_NODE'],
  [-102, 'NO_AUTH'],
  [-103, 'BAD_VERSION'],
  [-108, 'NO_CHILDREN_FOR_EPHEMERALS'],
  [-110, 'NODE_EXISTS'],
  [-111, 'NOT_EMPTY'],
  [SESSION_EXPIRED, 'SESSION_EXPIRED'],
  [-113, 'INVALID_CALLBACK'],
  [-114, 'INVALID_ACL'],
  [-115, 'AUTH_FAILED'],
  [SESSION_MOVED, 'SESSION_MOVED'],
  [-125, 'QUOTA_EXCEEDED'],
  [-127, 'THROTTLED'],
]);

export function replyError(error: number, path: string | null, failedOperation: number | null = null): ZooKeeperError {
  const code = CODES.get(error) ?? 'UNKNOWN';
  const name = code === 'UNKNOWN' ? `UNKNOWN (${error})` : code;
  const message = `ZooKeeper error ${name}${path === null ? '' : ` for ${path}`}`;
  return new ZooKeeperError(code, path, message, failedOperation);
}
