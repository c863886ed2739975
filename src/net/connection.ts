/**
 * One client's connection: bytes become frames, frames go to the handler in order, replies leave in that order.
 *
 *  - One request at a time, except behind a staged one (its place is fixed, so the next may start); of those at most
 *    `maxInFlightRequests`. What arrives while no request may start is kept and the socket paused: at most one read's
 *    worth of bytes and one frame are in memory then.
 *  - The replies that became ready in one turn of the event loop leave in one write.
 *  - A client that does not read its replies gets no further request handled, and is closed when it takes nothing at
 *    all
 *    for `stalledWriteTimeoutMs`; one that dribbles a frame is closed too, and so is an idle one (see `check`).
 *  - Bytes that are no request close this connection and no other.
 */
import type * as net from 'node:net';
import type { BufferPool } from '../lib/buffer-pool.ts';
import type { Clock } from '../lib/clock.ts';
import { FrameReader } from './frame-reader.ts';
import type { ListenerCounters } from './listener-counters.ts';
import { sharedBuffer, unsentBytes } from './receiving-socket.ts';
import { ReplyOrder, type ReplyPlace } from './reply-order.ts';

export interface EncodedReply {
  readonly kind: 'ready';
  /** A whole frame with its length. */
  readonly bytes: Buffer;
  /** Called once, when the bytes have left or never will. */
  readonly release: (() => void) | null;
  /** Told when the bytes have been handed to the system; null when nobody wants to know. Times are monotonic. */
  readonly trace?: { onSent(flushedMs: number, sentMs: number): void } | null;
}
export interface PendingReply {
  readonly kind: 'pending';
  /** Null when nothing is to be sent. Rejects when the connection must be closed. */
  readonly reply: Promise<EncodedReply | null>;
  /** The next request of the connection may start before this reply is there. */
  readonly isStaged: boolean;
}
/**
 * Handles one request. The frame (without its length) may be looked at until the call returns. Null when nothing is
 * to be sent; whatever is thrown closes the connection. `receivedMs`: when its last byte came, monotonic.
 */
export type FrameHandler = (
  frame: Buffer,
  connection: Connection,
  receivedMs: number,
) => EncodedReply | PendingReply | null;

export interface ConnectionLimits {
  readonly maxRequestBytes: number;
  readonly maxInFlightRequests: number;
  /** No request is started while more than this waits to be sent. */
  readonly maxUnsentBytes: number;
  readonly stalledWriteTimeoutMs: number;
  /** A begun frame must be complete after this time, unless it keeps coming at `minFrameBytesPerSecond`. */
  readonly frameTimeoutMs: number;
  readonly minFrameBytesPerSecond: number;
  readonly maxIdleMs: number;
  /** Requests of one connection are handled for this long before others get their turn. */
  readonly turnMs: number;
}

export interface ConnectionSurroundings {
  readonly limits: ConnectionLimits;
  readonly handleFrame: FrameHandler;
  readonly clock: Clock;
  readonly buffers: BufferPool;
  readonly counters: ListenerCounters;
  /** The connection is gone; `reason` is null when the client ended it in good order. Called once. */
  readonly onClosed: (connection: Connection, reason: unknown) => void;
}

/** Replies up to this size are copied together into one write. */
const PACKED_REPLY_BYTES = 16 * 1024;

const NOTHING = Buffer.alloc(0);

export class Connection {
  readonly id: string;
  readonly clientHost: string;
  readonly listenerName: string;
  readonly isInterBrokerListener: boolean;
  clientSoftware: { readonly name: string; readonly version: string } | null = null;

  readonly #surroundings: ConnectionSurroundings;
  readonly #reader: FrameReader;
  readonly #order: ReplyOrder<EncodedReply>;
  #socket: net.Socket | null = null;
  #isClosed = false;
  #closeReason: unknown = null;
  #isPaused = false;
  /** Inside #drain: replies are flushed at its end, not one by one. */
  #isDraining = false;
  #isFlushPlanned = false;
  #isDrainPlanned = false;
  /** An unstaged request waits for its reply. */
  #isExclusive = false;
  /** This connection's turn is over at this time (monotonic), but not before one request was handled in it. */
  #turnEndsMs = 0;
  #takenInTurn = 0;
  /** Bytes received while no request might start. */
  #held: Buffer = NOTHING;
  #ready: EncodedReply[] = [];
  readonly #closeCallbacks = new Set<() => void>();
  #readyBytes = 0;
  #lastActivityMs: number;
  #lastReceivedMs = -1;
  /** When the frame that is not complete yet began, or was last given a chance to go on. */
  #frameBeganMs = -1;
  #unsentBytesSeen = 0;
  #lastWriteProgressMs: number;

  constructor(
    identity: Pick<Connection, 'id' | 'clientHost' | 'listenerName' | 'isInterBrokerListener'>,
    surroundings: ConnectionSurroundings,
  ) {
    this.id = identity.id;
    this.clientHost = identity.clientHost;
    this.listenerName = identity.listenerName;
    this.isInterBrokerListener = identity.isInterBrokerListener;
    this.#surroundings = surroundings;
    const { limits, buffers, clock } = surroundings;
    this.#reader = new FrameReader(
      { mayTake: () => this.#mayTake(), take: (frame) => this.#take(frame) },
      { maxFrameBytes: limits.maxRequestBytes, buffers },
    );
    this.#order = new ReplyOrder((reply) => this.#enqueue(reply));
    this.#lastActivityMs = this.#lastWriteProgressMs = clock.monotonicMs();
  }

  /** Monotonic time at which bytes last came or went. */
  get lastActivityMs(): number {
    return this.#lastActivityMs;
  }

  /** Bytes of replies that wait to be written, ours and the system's that did not take them yet. */
  get unsentBytes(): number {
    return this.#readyBytes + (this.#socket === null ? 0 : unsentBytes(this.#socket));
  }

  /** A request is here that may not start yet. */
  get isHoldingRequest(): boolean {
    return this.#held.length > 0 || this.#reader.isFrameComplete;
  }

  get requestsInFlight(): number {
    return this.#order.length;
  }

  /** Begins to receive. The socket's receiver must be this connection. */
  start(socket: net.Socket): void {
    this.#socket = socket;
    socket.on('error', (error) => this.close(error));
    socket.on('end', () => this.close(null));
    socket.on('close', () => this.close(this.#closeReason));
    socket.resume();
  }

  /** The receiver's side: where the next read may land. */
  buffer(): Buffer {
    return this.#reader.landing() ?? sharedBuffer();
  }

  /** The receiver's side: bytes have come. */
  received(count: number, buffer: Buffer): void {
    if (this.#isClosed) return;
    this.#lastActivityMs = this.#lastReceivedMs = this.#surroundings.clock.monotonicMs();
    this.#surroundings.counters.incomingBytes += count;
    const landing = this.#reader.landing();
    const wasBlocked = !this.#mayTake();
    this.#drain(() => {
      if (landing !== null && landing.buffer === buffer.buffer && landing.byteOffset === buffer.byteOffset) {
        this.#reader.landed(count);
        return;
      }
      const bytes = buffer.subarray(0, count);
      // Bytes that came before these must go first.
      const consumed = this.#held.length === 0 ? this.#reader.push(bytes) : 0;
      if (consumed < count && !this.#isClosed) this.#hold(bytes.subarray(consumed));
    });
    // Not sooner: as long as nothing comes, reading costs nothing and tells when the client is gone.
    if (wasBlocked) this.#pause();
  }

  /** For whoever works on a request that nobody would get the reply of; called in the turn of the end. */
  onClose(callback: () => void): () => void {
    this.#closeCallbacks.add(callback);
    return () => this.#closeCallbacks.delete(callback);
  }

  /** Closes at once; replies that have not left are given up. */
  close(reason: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closeReason = reason;
    this.#socket?.destroy();
    this.#reader.close();
    this.#held = NOTHING;
    for (const reply of [...this.#ready, ...this.#order.clear()]) reply.release?.();
    this.#ready = [];
    for (const callback of this.#closeCallbacks) callback();
    this.#closeCallbacks.clear();
    this.#surroundings.onClosed(this, reason);
  }

  /** To be called about once a second: closes the connection when one of its deadlines has passed. */
  check(nowMs: number): void {
    const { limits } = this.#surroundings;
    const unsent = this.#socket === null ? 0 : unsentBytes(this.#socket);
    if (unsent === 0 || unsent !== this.#unsentBytesSeen) this.#lastWriteProgressMs = nowMs;
    if (unsent > 0 && unsent < this.#unsentBytesSeen) this.#lastActivityMs = nowMs;
    this.#unsentBytesSeen = unsent;
    if (nowMs - this.#lastWriteProgressMs > limits.stalledWriteTimeoutMs) {
      this.close(new Error(`the client took none of ${unsent} bytes for ${limits.stalledWriteTimeoutMs} ms`));
      return;
    }
    const isBusy = this.requestsInFlight > 0 || unsent > 0 || this.#held.length > 0;
    if (!this.#reader.isInsideFrame || this.#isPaused) this.#frameBeganMs = -1;
    else if (this.#frameBeganMs < 0) this.#frameBeganMs = nowMs;
    else if (this.#isDribbling(nowMs - this.#frameBeganMs)) {
      this.close(new Error(`a request was not complete after ${limits.frameTimeoutMs} ms`));
      return;
    }
    if (isBusy || nowMs - this.#lastActivityMs <= limits.maxIdleMs) return;
    this.#surroundings.counters.expired++;
    this.close(null);
  }

  #isDribbling(elapsedMs: number): boolean {
    const { frameTimeoutMs, minFrameBytesPerSecond } = this.#surroundings.limits;
    if (elapsedMs <= frameTimeoutMs) return false;
    return this.#reader.receivedBytes < (elapsedMs / 1000) * minFrameBytesPerSecond;
  }

  #mayTake(): boolean {
    if (this.#isClosed || this.#isExclusive) return false;
    const { limits, clock } = this.#surroundings;
    if (this.#order.length >= limits.maxInFlightRequests) return false;
    if ((this.#socket?.writableLength ?? 0) + this.#readyBytes > limits.maxUnsentBytes) return false;
    // Outside a turn the question is only whether the next one could begin.
    return !this.#isDraining || this.#takenInTurn === 0 || clock.monotonicMs() < this.#turnEndsMs;
  }

  /** Runs `feed` as this connection's turn, then sends what became ready in it. Errors close the connection. */
  #drain(feed: () => void): void {
    const { clock, limits } = this.#surroundings;
    this.#turnEndsMs = clock.monotonicMs() + limits.turnMs;
    this.#takenInTurn = 0;
    this.#isDraining = true;
    try {
      feed();
    } catch (error) {
      this.close(error);
    } finally {
      this.#isDraining = false;
    }
    this.#flush();
    if (this.isHoldingRequest && this.#mayTake()) this.#planDrain();
  }

  #take(frame: Buffer): void {
    this.#takenInTurn++;
    this.#frameBeganMs = -1;
    const outcome = this.#surroundings.handleFrame(frame, this, this.#lastReceivedMs);
    if (outcome === null || outcome.kind === 'ready') {
      if (this.#isClosed) outcome?.release?.();
      else this.#order.append(outcome);
      return;
    }
    const place = this.#order.open();
    const isExclusive = !outcome.isStaged;
    if (isExclusive) this.#isExclusive = true;
    outcome.reply.then(
      (reply) => this.#complete(place, reply, isExclusive),
      (error: unknown) => this.close(error),
    );
  }

  #complete(place: ReplyPlace<EncodedReply>, reply: EncodedReply | null, wasExclusive: boolean): void {
    if (this.#isClosed) {
      reply?.release?.();
      return;
    }
    if (wasExclusive) this.#isExclusive = false;
    this.#order.complete(place, reply);
    this.#goOn();
  }

  /** A reason not to start requests may have ended. */
  #goOn(): void {
    if (this.#isClosed || !this.#mayTake()) return;
    if (this.isHoldingRequest) this.#planDrain();
    else this.#unpause();
  }

  #planDrain(): void {
    if (this.#isDrainPlanned || this.#isDraining) return;
    this.#isDrainPlanned = true;
    this.#surroundings.clock.soon(() => {
      this.#isDrainPlanned = false;
      if (this.#isClosed) return;
      this.#drain(() => {
        const consumed = this.#reader.push(this.#held);
        this.#held = consumed === this.#held.length ? NOTHING : this.#held.subarray(consumed);
      });
      if (!this.isHoldingRequest) this.#goOn();
    });
  }

  #hold(bytes: Buffer): void {
    this.#held = Buffer.concat([this.#held, bytes]);
    this.#pause();
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket?.pause();
  }

  #unpause(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket?.resume();
  }

  #enqueue(reply: EncodedReply): void {
    this.#ready.push(reply);
    this.#readyBytes += reply.bytes.length;
    if (this.#isDraining || this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    this.#surroundings.clock.soon(() => {
      this.#isFlushPlanned = false;
      this.#flush();
    });
  }

  /** One write for all that is ready: small replies copied together, large ones beside them by writev. */
  #flush(): void {
    const replies = this.#ready;
    const socket = this.#socket;
    if (replies.length === 0 || socket === null || this.#isClosed) return;
    this.#ready = [];
    this.#readyBytes = 0;
    const { clock, counters } = this.#surroundings;
    const flushedMs = clock.monotonicMs();
    this.#lastActivityMs = flushedMs;
    const chunks = pack(replies);
    for (const chunk of chunks) counters.outgoingBytes += chunk.length;
    const onLastWritten = (): void => {
      const sentMs = clock.monotonicMs();
      for (const reply of replies) {
        reply.release?.();
        reply.trace?.onSent(flushedMs, sentMs);
      }
      this.#goOn();
    };
    if (chunks.length > 1) socket.cork();
    chunks.forEach((chunk, index) => {
      if (index === chunks.length - 1) socket.write(chunk, onLastWritten);
      else socket.write(chunk);
    });
    if (chunks.length > 1) socket.uncork();
  }
}

function pack(replies: readonly EncodedReply[]): Buffer[] {
  const chunks: Buffer[] = [];
  let small: Buffer[] = [];
  const endRun = (): void => {
    if (small.length === 1) chunks.push(small[0]!);
    else if (small.length > 1) chunks.push(Buffer.concat(small));
    small = [];
  };
  for (const { bytes } of replies) {
    if (bytes.length <= PACKED_REPLY_BYTES) small.push(bytes);
    else {
      endRun();
      chunks.push(bytes);
    }
  }
  endRun();
  return chunks;
}
