/**
 * Types of the parts of node-zookeeper-client 1.1.3 that we use: its connection state machine and its codec. The
 * package has none of its own. Its Client class on top of them is not used: its defects are listed in
 * raw-connection.ts.
 */
declare module 'node-zookeeper-client/lib/ConnectionManager.js' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';
  import type { JuteRequest, JuteResponse } from 'node-zookeeper-client/lib/jute/index.js';

  export interface Server {
    host: string;
    port: number;
  }
  export interface WatcherEvent {
    type: number;
    state: number;
    path: string;
  }
  type Callback = (error: { code: number } | null, response?: JuteResponse) => void;

  export default class ConnectionManager extends EventEmitter {
    static readonly STATES: {
      readonly DISCONNECTED: 0;
      readonly CONNECTING: 1;
      readonly CONNECTED: 2;
      readonly CONNECTED_READ_ONLY: 3;
      readonly CLOSING: -1;
      readonly CLOSED: -2;
      readonly SESSION_EXPIRED: -3;
      readonly AUTHENTICATION_FAILED: -4;
    };
    constructor(
      connectionString: string,
      options: { sessionTimeout: number; spinDelay: number; sessionId?: Buffer; sessionPassword?: Buffer },
      stateListener: (state: number) => void,
    );
    state: number;
    servers: Server[];
    nextServerIndex: number;
    serverAttempts: number;
    sessionTimeout: number;
    sessionId: Buffer;
    sessionPassword: Buffer;
    /** Of the last reply, 8 bytes. */
    zxid: Buffer;
    xid: number;
    socket: Socket | undefined;
    pendingBuffer: Buffer | null;
    pendingQueue: unknown[];
    packetQueue: { queue: unknown[] };
    connectTimeoutHandler: NodeJS.Timeout | null;
    watcherManager: { isEmpty(): boolean; emit(event: WatcherEvent): void };
    connect(): void;
    close(): void;
    queue(request: JuteRequest, callback?: Callback): void;
    setState(state: number): void;
    updateTimeout(sessionTimeout: number): void;
    findNextServer(callback: (server: Server) => void): void;
    onSocketConnected(): void;
    onSocketData(chunk: Buffer): void;
    onSocketError(error: Error): void;
    onSocketTimeout(): void;
    onSocketConnectTimeout(): void;
  }
}

declare module 'node-zookeeper-client/lib/Exception.js' {
  const Exception: {
    create(code: number, path?: string): Error & { code: number };
  };
  export default Exception;
}

declare module 'node-zookeeper-client/lib/jute/index.js' {
  export interface JuteRecord {
    byteLength(): number;
  }
  export interface JuteStat {
    czxid: Buffer;
    mzxid: Buffer;
    ctime: Buffer;
    mtime: Buffer;
    version: number;
    cversion: number;
    aversion: number;
    ephemeralOwner: Buffer;
    dataLength: number;
    numChildren: number;
    pzxid: Buffer;
  }
  export interface JuteResponse {
    header: { xid: number; zxid: Buffer; err: number };
    /**
     * By the request: CreateResponse {path}, SetData, Exists {stat}, GetData {data, stat}, GetChildren2 {children}, …
     */
    payload: {
      path?: string;
      data?: Buffer;
      stat?: JuteStat;
      children?: string[];
      results?: { type: number; path?: string; stat?: JuteStat; err?: number }[];
    } | null;
  }
  export interface JuteRequest {
    header: JuteRecord;
    payload: JuteRecord | null;
  }
  type RecordOf<Fields extends unknown[]> = new (...fields: Fields) => JuteRecord;
  const jute: {
    readonly OP_CODES: Record<
      | 'CREATE'
      | 'DELETE'
      | 'EXISTS'
      | 'GET_DATA'
      | 'SET_DATA'
      | 'PING'
      | 'GET_CHILDREN2'
      | 'CHECK'
      | 'MULTI'
      | 'SET_WATCHES'
      | 'ERROR',
      number
    >;
    readonly XID_PING: number;
    readonly Request: new (header: JuteRecord, payload: JuteRecord | null) => JuteRequest;
    readonly TransactionRequest: new (
      operations: {
        type: number;
        path: string;
        data?: Buffer | undefined;
        acls?: { toRecord(): JuteRecord }[];
        mode?: number;
        version?: number;
      }[],
    ) => JuteRecord;
    readonly data: {
      readonly Id: RecordOf<[scheme: string, id: string]>;
      readonly ACL: RecordOf<[permissions: number, id: JuteRecord]>;
    };
    readonly protocol: {
      readonly RequestHeader: RecordOf<[xid: number, type: number]>;
      readonly CreateRequest: RecordOf<[path: string, data: Buffer | null, acl: JuteRecord[], flags: number]>;
      readonly DeleteRequest: RecordOf<[path: string, version: number]>;
      readonly ExistsRequest: RecordOf<[path: string, watch: boolean]>;
      readonly GetDataRequest: RecordOf<[path: string, watch: boolean]>;
      readonly GetChildren2Request: RecordOf<[path: string, watch: boolean]>;
      readonly SetDataRequest: RecordOf<[path: string, data: Buffer | null, version: number]>;
      readonly SetWatches: RecordOf<[relativeZxid: Buffer, data: string[], exist: string[], child: string[]]>;
    };
  };
  export default jute;
}
