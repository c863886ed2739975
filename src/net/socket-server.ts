/**
 * All listeners and connections of a broker (Kafka's SocketServer): accepts within the limits, watches over deadlines,
 * closes everything at the end. Complaints about clients are logged, but not without bound.
 */
import * as net from 'node:net';
import { BufferPool } from '../lib/buffer-pool.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Endpoint } from '../model/broker.ts';
import { Connection, type ConnectionLimits, type FrameHandler } from './connection.ts';
import { type ConnectionLimitsConfig, ConnectionQuotas } from './connection-quotas.ts';
import { Listener } from './listener.ts';
import { ListenerCounters } from './listener-counters.ts';
import { canReceiveInPlace, receiveOn } from './receiving-socket.ts';

/** The broker's configuration as far as the network cares: Kafka's keys in camel case. */
export interface SocketServerConfig {
  readonly listeners: readonly Endpoint[];
  readonly interBrokerListenerName: string;
  readonly socketRequestMaxBytes: number;
  readonly socketListenBacklogSize: number;
  readonly connectionsMaxIdleMs: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerIp: number;
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>;
  readonly maxConnectionCreationRate: number;
}

export interface SocketServerOptions {
  readonly config: SocketServerConfig;
  readonly handleFrame: FrameHandler;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For tests: overrides of what Kafka has no property for. */
  readonly limits?: Partial<ConnectionLimits>;
}

const DEFAULT_LIMITS = {
  maxInFlightRequests: 100,
  maxUnsentBytes: 1024 * 1024,
  stalledWriteTimeoutMs: 60_000,
  frameTimeoutMs: 30_000,
  minFrameBytesPerSecond: 10_000,
  turnMs: 10,
};
const CHECK_INTERVAL_MS = 1000;
const MAX_COMPLAINTS = 10;
const COMPLAINT_WINDOW_MS = 10_000;
const MAX_CONNECTION_INDEX = 0x7fff_ffff;

/**
 * Kafka's 50 are for a thread that does nothing but accept. Here accepting waits for the turn to end, and whoever finds
 * the queue full comes again after 1, 3, 7, 15 seconds: seen when a thousand members of groups connected at once.
 */
const LEAST_BACKLOG = 511;

export class SocketServer {
  readonly #options: SocketServerOptions;
  readonly #limits: ConnectionLimits;
  readonly #logger: Logger;
  readonly #quotas: ConnectionQuotas;
  readonly #buffers = new BufferPool();
  readonly #connections = new Set<Connection>();
  readonly #counters = new Map<string, ListenerCounters>();
  /** Those that came too fast, until they are served. */
  readonly #waiting = new Map<Connection, { readonly accepted: net.Socket; readonly timer: Timer }>();
  readonly #listeners: readonly Listener[];
  #receivesInPlace = false;
  #nextConnectionIndex = 0;
  #isClosing = false;
  #checkTimer: Timer | null = null;
  #complaintCount = 0;
  #complaintWindowEndsMs = 0;

  constructor(options: SocketServerOptions) {
    const { config, limits } = options;
    this.#options = options;
    this.#logger = options.logger;
    this.#limits = {
      ...DEFAULT_LIMITS,
      maxRequestBytes: config.socketRequestMaxBytes,
      maxIdleMs: config.connectionsMaxIdleMs < 0 ? Number.POSITIVE_INFINITY : config.connectionsMaxIdleMs,
      ...limits,
    };
    const quotas: ConnectionLimitsConfig = config;
    this.#quotas = new ConnectionQuotas(quotas);
    for (const { listenerName } of config.listeners)
      this.#counters.set(listenerName, new ListenerCounters(listenerName));
    this.#listeners = config.listeners.map(
      (endpoint) =>
        new Listener({
          endpoint,
          backlog: Math.max(config.socketListenBacklogSize, LEAST_BACKLOG),
          onAccepted: (socket) => this.#onAccepted(socket, endpoint.listenerName),
          onError: (error) => this.#complain(`Listener ${endpoint.listenerName} could not accept`, error),
        }),
    );
  }

  /** By listener name. */
  get counters(): ReadonlyMap<string, ListenerCounters> {
    return this.#counters;
  }

  get connections(): Iterable<Connection> {
    return this.#connections;
  }

  get connectionCount(): number {
    return this.#quotas.count;
  }

  /** The port a listener is bound to; differs from the configured one only if that is 0. */
  boundPort(listenerName: string): number {
    return this.#listeners.find(({ name }) => name === listenerName)?.port ?? -1;
  }

  /** Listens on every endpoint; rejects when one cannot be bound, and listens on none then. */
  async start(): Promise<void> {
    this.#receivesInPlace = await canReceiveInPlace();
    if (!this.#receivesInPlace) this.#logger.warn('This Node cannot receive in place: receiving will be slower');
    try {
      for (const listener of this.#listeners) {
        await listener.listen();
        this.#logger.info(`Awaiting socket connections on ${listener.host}:${listener.port}.`);
      }
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#planCheck();
  }

  /** Stops accepting, closes every connection, and resolves when nothing is left. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#checkTimer?.cancel();
    const closed = this.#listeners.map((listener) => listener.close());
    for (const connection of [...this.#connections]) connection.close(null);
    await Promise.all(closed);
  }

  #onAccepted(accepted: net.Socket, listenerName: string): void {
    const { config, clock, handleFrame } = this.#options;
    // Without an address the client is gone already.
    const clientHost = plainAddress(accepted.remoteAddress);
    if (clientHost === null || this.#isClosing) {
      accepted.destroy();
      return;
    }
    const isInterBrokerListener = listenerName === config.interBrokerListenerName;
    if (!this.#admit(clientHost, isInterBrokerListener)) {
      accepted.destroy();
      return;
    }
    const counters = this.#counters.get(listenerName) ?? new ListenerCounters(listenerName);
    counters.created++;
    const connection = new Connection(
      { id: this.#connectionId(accepted, clientHost), clientHost, listenerName, isInterBrokerListener },
      {
        limits: this.#limits,
        handleFrame,
        clock,
        buffers: this.#buffers,
        counters,
        onClosed: (closed, reason) => {
          counters.closed++;
          this.#onClosed(closed, reason);
        },
      },
    );
    this.#quotas.opened(clientHost);
    this.#connections.add(connection);
    const delayMs = this.#quotas.delayMs(clock.monotonicMs());
    if (delayMs === 0) connection.start(receiveOn(accepted, connection, this.#receivesInPlace));
    else this.#serveLater(connection, accepted, delayMs);
  }

  #serveLater(connection: Connection, accepted: net.Socket, delayMs: number): void {
    const timer = this.#options.clock.schedule(delayMs, () => {
      this.#waiting.delete(connection);
      connection.start(receiveOn(accepted, connection, this.#receivesInPlace));
    });
    this.#waiting.set(connection, { accepted, timer });
  }

  #admit(clientHost: string, isInterBrokerListener: boolean): boolean {
    const admission = this.#quotas.admit(clientHost, isInterBrokerListener);
    if (admission === 'accept') return true;
    if (admission === 'makeRoom' && this.#closeLeastRecentlyUsed()) return true;
    const reason = admission === 'tooManyFromAddress' ? 'too many from that address' : 'too many connections';
    this.#complain(`Refused a connection from ${clientHost}: ${reason}`, null);
    return false;
  }

  /** Of the connections that came by another listener than the brokers' own. */
  #closeLeastRecentlyUsed(): boolean {
    let oldest: Connection | null = null;
    for (const connection of this.#connections) {
      if (connection.isInterBrokerListener) continue;
      if (oldest === null || connection.lastActivityMs < oldest.lastActivityMs) oldest = connection;
    }
    oldest?.close(new Error('made room for a connection of another broker'));
    return oldest !== null;
  }

  #onClosed(connection: Connection, reason: unknown): void {
    this.#connections.delete(connection);
    this.#quotas.closed(connection.clientHost);
    const waiting = this.#waiting.get(connection);
    this.#waiting.delete(connection);
    waiting?.timer.cancel();
    waiting?.accepted.destroy();
    if (reason === null || this.#isClosing) return;
    if (isPeerGone(reason)) this.#logger.debug(`Connection ${connection.id} ended: ${reason.message}`);
    else this.#complain(`Closing connection ${connection.id}`, reason);
  }

  #connectionId(socket: net.Socket, clientHost: string): string {
    const index = this.#nextConnectionIndex;
    this.#nextConnectionIndex = index === MAX_CONNECTION_INDEX ? 0 : index + 1;
    const localHost = plainAddress(socket.localAddress) ?? '';
    return `${localHost}:${socket.localPort}-${clientHost}:${socket.remotePort}-${index}`;
  }

  #planCheck(): void {
    this.#checkTimer = this.#options.clock.schedule(CHECK_INTERVAL_MS, () => {
      const nowMs = this.#options.clock.monotonicMs();
      for (const connection of [...this.#connections]) connection.check(nowMs);
      this.#planCheck();
    });
  }

  #complain(message: string, error: unknown): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs >= this.#complaintWindowEndsMs) {
      const hidden = this.#complaintCount - MAX_COMPLAINTS;
      if (hidden > 0) this.#logger.warn(`${hidden} more complaints about connections were not logged`);
      this.#complaintCount = 0;
      this.#complaintWindowEndsMs = nowMs + COMPLAINT_WINDOW_MS;
    }
    this.#complaintCount++;
    if (this.#complaintCount > MAX_COMPLAINTS) return;
    const why = error instanceof Error ? `: ${error.message}${causeOf(error)}` : '';
    this.#logger.warn(`${message}${why}`);
  }
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? ` (${error.cause.message})` : '';
}

/** An IPv4 address is shown as such, also where the listener's socket is an IPv6 one. */
function plainAddress(address: string | undefined): string | null {
  if (address === undefined) return null;
  return address.startsWith('::ffff:') && net.isIPv4(address.slice(7)) ? address.slice(7) : address;
}

const PEER_GONE = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED', 'ENOTCONN', 'ECANCELED']);

function isPeerGone(reason: unknown): reason is NodeJS.ErrnoException {
  return reason instanceof Error && PEER_GONE.has((reason as NodeJS.ErrnoException).code ?? '');
}
