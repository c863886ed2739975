/**
 * One ZooKeeper session, kept over as many TCP connections as it takes: node-zookeeper-client's connection manager and
 * the cures of what would break a broker. Each was measured against a real server and has a test in test/zookeeper:
 *
 *  1 It has no read timeout: behind a dead link or a stopped server it stays "connected" for ever while the cluster
 *    has long moved on. Here nothing received for two thirds of the session timeout cuts the connection, which leaves
 *    a third to find another server.
 *  2 It pings only when the socket is idle both ways, so a stream of watch events starves the session. Here a ping goes
 *    out when nothing was SENT for a third of the timeout.
 *  3 The half of a frame that a broken connection left behind is glued to the next connection's bytes. Here frames are
 *    cut by a splitter per connection, and a frame that cannot be decoded costs the connection, not the process.
 *  4 An unknown error code throws inside the socket's handler. Here it is just a code.
 *  5 Requests that wait inside it when the session ends are never answered. Here requests are only handed over while it
 *    is connected, and all that were not answered are given back at every disconnect.
 * 6 All watches go to a new server in one packet, which over a megabyte gets the connection cut. Here they go in
 * pieces. 7 A server that accepts and says nothing holds it for ever; request ids never wrap; its own reconnect timer
 * is blind
 *    to all this. Here a watchdog and our own choice of the next server.
 *
 * Watch for the order: `onDisconnected` hands back the unanswered requests oldest first; each may have been executed.
 */
import ConnectionManager, { type WatcherEvent } from 'node-zookeeper-client/lib/ConnectionManager.js';
import Exception from 'node-zookeeper-client/lib/Exception.js';
import type { JuteRequest } from 'node-zookeeper-client/lib/jute/index.js';
import jute from 'node-zookeeper-client/lib/jute/index.js';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { FrameSplitter } from './frame-splitter.ts';
import type { Reply, Request } from './requests.ts';
import { armedWatch, decodeReply, SESSION_EXPIRED, SESSION_MOVED } from './requests.ts';
import { WatchTable } from './watch-table.ts';

const { STATES } = ConnectionManager;

/** What a request is to the connection; the session that sends it keeps more in it. */
export interface PendingRequest {
  readonly request: Request;
  readonly encoded: JuteRequest;
  onReply(reply: Reply): void;
}

export interface RawConnectionHandlers<P extends PendingRequest> {
  /** Connected, with a session that may be a new one. Requests may be sent from here on. */
  onConnected(): void;
  onDisconnected(unanswered: P[]): void;
  /** A server could not be reached; the next one is tried. */
  onUnreachable(reason: string): void;
  /** A server said that the session is over. This object is finished. */
  onExpired(): void;
  /** No server has confirmed the session for as long as it may live; connecting goes on. Called once per connection. */
  onLeaseOver(): void;
  onWatchEvent(path: string, changed: { data: boolean; children: boolean }): void;
}

export interface RawConnectionOptions {
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  readonly sessionTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Replies may be large (the names of all topics); this only keeps garbage from being taken for a length. */
const MAX_FRAME_BYTES = 256 * 1024 * 1024;
/** As the Java client: far below the megabyte at which a server cuts the connection. */
const SET_WATCHES_BYTES = 128 * 1024;
/** Pause after all servers were tried in vain. */
const RECONNECT_PAUSE_MS = 100;
/**
 * For the first handshake with each server; twice as long the next time. A server that is just starting may take a
 * connection and forget it: it would not be asked again for half a session.
 */
const FIRST_PATIENCE_MS = 400;
const PING_FRAME_XID = -2;

// The package throws for a code that it does not know, in the middle of its socket handler (ZooKeeper has added many).
Exception.create = (code: number, path?: string) =>
  Object.assign(new Error(`ZooKeeper code ${code}${path === undefined ? '' : ` for ${path}`}`), { code });

export class RawConnection<P extends PendingRequest> {
  readonly watches = new WatchTable();
  readonly #manager: ConnectionManager;
  readonly #options: RawConnectionOptions;
  readonly #handlers: RawConnectionHandlers<P>;
  readonly #unanswered = new Set<P>();
  #frames = new FrameSplitter(MAX_FRAME_BYTES);
  /** No connection is opened any more. */
  #isOver = false;
  #isLeaseOverTold = false;
  #watchdog: Timer | null = null;
  #whenClosed: (() => void) | null = null;
  /** All on the monotonic clock. */
  #connectStartedMs: number | null = null;
  /** Connections that were given up because nothing was said, since there was one that worked. */
  #silentConnections = 0;
  #handshakeSentMs = 0;
  #lastReceivedMs = 0;
  #lastSentMs = 0;
  #pingsSentMs: number[] = [];
  #leaseStartMs: number | null = null;

  constructor(options: RawConnectionOptions, handlers: RawConnectionHandlers<P>) {
    this.#options = options;
    this.#handlers = handlers;
    this.#manager = new ConnectionManager(
      'localhost:1',
      { sessionTimeout: options.sessionTimeoutMs, spinDelay: RECONNECT_PAUSE_MS },
      (state) => this.#onState(state),
    );
    this.#cure(this.#manager);
  }

  get isConnected(): boolean {
    return this.#manager.state === STATES.CONNECTED;
  }

  /** 16 hexadecimal digits. */
  get sessionId(): string {
    return this.#manager.sessionId.toString('hex');
  }

  /** As granted by the server, once connected. */
  get sessionTimeoutMs(): number {
    return this.#manager.sessionTimeout;
  }

  /**
   * When the latest request that a server has answered was sent: the session was alive then, and its timeout ran anew.
   */
  get leaseStartMs(): number | null {
    return this.#leaseStartMs;
  }

  get #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  connect(): void {
    this.#manager.connect();
    this.#scheduleWatchdog();
  }

  /** Only while connected; else the request would be lost in the package's queue. */
  send(pending: P): void {
    this.#unanswered.add(pending);
    this.#lastSentMs = this.#nowMs;
    const sentMs = this.#lastSentMs;
    this.#manager.queue(pending.encoded, (_error, response) => {
      // Without a response it is the package giving up on the connection: handed back by onDisconnected, in order.
      if (response === undefined || !this.#unanswered.has(pending)) return;
      const reply = decodeReply(response);
      if (reply.error === SESSION_MOVED || reply.error === SESSION_EXPIRED) {
        this.#options.logger.info(`ZooKeeper refuses this connection for our session (${reply.error}); reconnecting`);
        this.#cut();
        return;
      }
      this.#unanswered.delete(pending);
      this.#leaseStartMs = Math.max(this.#leaseStartMs ?? sentMs, sentMs);
      const armed = armedWatch(pending.request, reply.error);
      if (armed !== null) this.watches.arm(armed.kind, armed.path);
      pending.onReply(reply);
    });
  }

  /** Ends the session, and with it its ephemeral znodes, at once if a server can be told before the deadline. */
  async close(deadlineMs: number): Promise<void> {
    if (!this.isConnected) return this.abandon();
    const closed = new Promise<void>((resolve) => {
      this.#whenClosed = resolve;
    });
    const deadline = this.#options.clock.schedule(deadlineMs, () => this.#cut());
    this.#manager.close();
    await closed;
    deadline.cancel();
    this.abandon();
  }

  /** Lets go without a word: the session dies by its timeout. */
  abandon(): void {
    this.#isOver = true;
    this.#watchdog?.cancel();
    this.#watchdog = null;
    this.#cut();
  }

  #cure(manager: ConnectionManager): void {
    const { servers, clock, sessionTimeoutMs } = this.#options;
    // The package would shuffle them too, but cannot parse IPv6. The start differs from broker to broker.
    manager.servers = servers.map(({ host, port }) => ({ host, port }));
    manager.nextServerIndex = process.pid % servers.length;
    manager.updateTimeout(sessionTimeoutMs);
    // Its own watches and its own ideas of time are out of work.
    manager.watcherManager = { isEmpty: () => true, emit: (event) => this.#onWatcherEvent(event) };
    manager.onSocketTimeout = () => undefined;
    manager.onSocketConnectTimeout = () => undefined;
    const connect = manager.connect;
    manager.connect = () => {
      if (!this.#isOver) connect.call(manager);
    };
    manager.findNextServer = (useServer) => {
      const isRoundOver = manager.serverAttempts >= servers.length;
      manager.serverAttempts = isRoundOver ? 1 : manager.serverAttempts + 1;
      this.#connectStartedMs = null;
      clock.schedule(isRoundOver ? RECONNECT_PAUSE_MS : 0, () => {
        if (this.#isOver) return;
        const server = manager.servers[manager.nextServerIndex++ % servers.length];
        this.#connectStartedMs = this.#nowMs;
        if (server !== undefined) useServer(server);
      });
    };
    const onSocketError = manager.onSocketError;
    manager.onSocketError = (error) => {
      onSocketError.call(manager, error);
      this.#handlers.onUnreachable(reasonOf(error));
    };
    const onSocketConnected = manager.onSocketConnected;
    manager.onSocketConnected = () => this.#onSocketConnected(() => onSocketConnected.call(manager));
    const onSocketData = manager.onSocketData;
    manager.onSocketData = (chunk) => this.#onSocketData(chunk, (frame) => onSocketData.call(manager, frame));
  }

  #onSocketConnected(sendHandshake: () => void): void {
    const manager = this.#manager;
    this.#frames = new FrameSplitter(MAX_FRAME_BYTES);
    this.#pingsSentMs = [];
    manager.pendingBuffer = null;
    manager.packetQueue.queue.length = 0;
    // Request ids are 32 bits and the package never starts anew.
    manager.xid = 0;
    this.#handshakeSentMs = this.#nowMs;
    this.#lastSentMs = this.#nowMs;
    sendHandshake();
    const zxid = Buffer.from(manager.zxid);
    for (const { data, exist, child } of this.watches.chunks(SET_WATCHES_BYTES)) {
      const header = new jute.protocol.RequestHeader(0, jute.OP_CODES.SET_WATCHES);
      const payload = new jute.protocol.SetWatches(zxid, data, exist, child);
      manager.queue(new jute.Request(header, payload), (error, response) => {
        if (response !== undefined && error !== null)
          this.#options.logger.warn('ZooKeeper refused to set watches again', error);
      });
    }
  }

  #onSocketData(chunk: Buffer, handleFrame: (frame: Buffer) => void): void {
    const manager = this.#manager;
    const socket = manager.socket;
    this.#lastReceivedMs = this.#nowMs;
    try {
      for (const frame of this.#frames.push(chunk)) {
        if (manager.state === STATES.CONNECTED && frame.readInt32BE(4) === PING_FRAME_XID) {
          const sentMs = this.#pingsSentMs.shift();
          if (sentMs !== undefined) this.#leaseStartMs = Math.max(this.#leaseStartMs ?? sentMs, sentMs);
        }
        const zxid = manager.zxid;
        handleFrame(frame);
        // Some refusals carry -1: as "last seen", it would make the next server fire every watch.
        if (manager.zxid.readInt8(0) < 0) manager.zxid = zxid;
        if (manager.socket !== socket || socket?.destroyed) return;
      }
    } catch (error) {
      this.#options.logger.warn('Reconnecting to ZooKeeper: bytes that cannot be understood', error);
      this.#cut();
    }
  }

  #onWatcherEvent(event: WatcherEvent): void {
    const changed = this.watches.fire(event.type, event.path);
    if (changed.data || changed.children) this.#handlers.onWatchEvent(event.path, changed);
  }

  #onState(state: number): void {
    switch (state) {
      case STATES.CONNECTED:
        this.#connectStartedMs = null;
        this.#silentConnections = 0;
        this.#leaseStartMs = this.#handshakeSentMs;
        this.#isLeaseOverTold = false;
        this.#handlers.onConnected();
        break;
      case STATES.SESSION_EXPIRED:
        this.abandon();
        this.#handlers.onExpired();
        break;
      case STATES.DISCONNECTED: {
        const unanswered = [...this.#unanswered];
        this.#unanswered.clear();
        this.#manager.packetQueue.queue.length = 0;
        // A socket that was destroyed before it was connected leaves the package's timer behind, aimed at the next
        // socket.
        if (this.#manager.connectTimeoutHandler !== null) clearTimeout(this.#manager.connectTimeoutHandler);
        this.#handlers.onDisconnected(unanswered);
        break;
      }
      case STATES.CLOSED:
        this.#whenClosed?.();
    }
  }

  #cut(): void {
    this.#manager.socket?.destroy();
  }

  #scheduleWatchdog(): void {
    const periodMs = Math.min(Math.max(this.sessionTimeoutMs / 20, 10), 250);
    this.#watchdog = this.#options.clock.schedule(periodMs, () => {
      this.#watch(this.#nowMs);
      if (!this.#isOver) this.#scheduleWatchdog();
    });
  }

  #watch(nowMs: number): void {
    const timeoutMs = this.sessionTimeoutMs;
    if (this.#manager.state === STATES.CONNECTED) {
      const silentMs = nowMs - this.#lastReceivedMs;
      if (silentMs <= (timeoutMs * 2) / 3) {
        if (nowMs - this.#lastSentMs >= timeoutMs / 3) this.#ping();
        return;
      }
      this.#options.logger.warn(`No word from ZooKeeper for ${Math.round(silentMs)} ms, reconnecting`);
      this.#cut();
    } else if (this.#connectStartedMs !== null && nowMs - this.#connectStartedMs > this.#connectPatienceMs()) {
      this.#connectStartedMs = null;
      this.#silentConnections++;
      this.#cut();
    }
    // After a long pause of this process it is still "connected" here: whoever acts for the session is stopped first.
    if (this.#leaseStartMs === null || this.#isLeaseOverTold || nowMs - this.#leaseStartMs < timeoutMs) return;
    this.#isLeaseOverTold = true;
    this.#handlers.onLeaseOver();
  }

  /** For TCP and the handshake with one server. With a session at stake it must leave time for another server. */
  #connectPatienceMs(): number {
    const { length: serverCount } = this.#options.servers;
    const shareMs = this.sessionTimeoutMs / (2 * serverCount);
    const leastMs = this.#leaseStartMs === null || this.#isLeaseOverTold ? 1000 : this.sessionTimeoutMs / 4;
    const rounds = Math.floor(this.#silentConnections / serverCount);
    return Math.min(Math.max(shareMs, Math.min(1000, leastMs)), FIRST_PATIENCE_MS * 2 ** rounds);
  }

  #ping(): void {
    this.#lastSentMs = this.#nowMs;
    this.#pingsSentMs.push(this.#lastSentMs);
    const header = new jute.protocol.RequestHeader(jute.XID_PING, jute.OP_CODES.PING);
    this.#manager.queue(new jute.Request(header, null));
  }
}

/** A name with several addresses fails with the errors of all of them, and no message of its own. */
function reasonOf(error: Error): string {
  if (!(error instanceof AggregateError)) return error.message;
  return error.errors.map((each) => (each instanceof Error ? each.message : String(each))).join(', ');
}
