/** A client that speaks in bare frames, or in no frames at all: what a test needs to misbehave on a connection. */
import * as net from 'node:net';

export function framed(payload: Buffer | string): Buffer {
  const bytes = Buffer.from(payload);
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export class FrameClient {
  readonly socket: net.Socket;
  readonly frames: Buffer[] = [];
  /** Reads from the socket: how often something came. */
  readCount = 0;
  isClosed = false;
  #received = Buffer.alloc(0);
  #waiting: { isDone: () => boolean; resolve: () => void; reject: (error: Error) => void }[] = [];

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => this.#onData(bytes));
    // A reset shows as the close that follows it.
    socket.on('error', () => this.#check());
    socket.on('close', () => {
      this.isClosed = true;
      this.#check();
    });
  }

  static connect(port: number): Promise<FrameClient> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new FrameClient(socket));
      });
    });
  }

  get texts(): string[] {
    return this.frames.map(String);
  }

  send(...payloads: (Buffer | string)[]): void {
    this.socket.write(Buffer.concat(payloads.map(framed)));
  }

  /** Resolves when so many frames have come in all; rejects when the connection closes before that. */
  whenFrames(count: number): Promise<void> {
    return this.#when(() => this.frames.length >= count, `${count} frames`);
  }

  whenClosed(): Promise<void> {
    return this.#when(() => this.isClosed, 'the end');
  }

  close(): void {
    this.socket.destroy();
  }

  #when(isDone: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ isDone, resolve, reject: () => reject(new Error(`closed while waiting for ${what}`)) });
      this.#check();
    });
  }

  #onData(bytes: Buffer): void {
    this.readCount++;
    this.#received = Buffer.concat([this.#received, bytes]);
    while (this.#received.length >= 4) {
      const length = this.#received.readInt32BE(0);
      if (this.#received.length < 4 + length) break;
      this.frames.push(this.#received.subarray(4, 4 + length));
      this.#received = this.#received.subarray(4 + length);
    }
    this.#check();
  }

  #check(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) {
      if (one.isDone()) one.resolve();
      else if (this.isClosed) one.reject(new Error('closed'));
      else this.#waiting.push(one);
    }
  }
}
