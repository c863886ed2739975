/** Text for the body of an answer that is written bit by bit, with the back pressure of its connection. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import { Deferred } from '../lib/deferred.ts';

const BUFFER_BYTES = 64 * 1024;
const END_TIMEOUT_MS = 60_000;

export class TextOutput {
  /** To be sent. It is closed when the client goes away. */
  readonly readable: Readable;
  #drained: (() => void)[] = [];
  readonly #written = new Deferred<void>();

  constructor() {
    this.readable = new Readable({
      highWaterMark: BUFFER_BYTES,
      read: () => this.#resume(),
      destroy: (error, done) => {
        this.#resume();
        done(error);
      },
    });
  }

  /** Takes the text in any case; false when nothing more is to be given before whenDrained. */
  write(text: string): boolean {
    this.#written.resolve();
    return this.readable.destroyed || this.readable.push(text);
  }

  /** The first text has been written. */
  whenWritten(): Promise<void> {
    return this.#written.promise;
  }

  /** Also when there is nobody any more. */
  whenDrained(): Promise<void> {
    if (this.readable.destroyed) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** What was written still goes out, to a client that takes it within a minute. */
  end({ raw }: FastifyReply, clock: Clock): void {
    if (!this.readable.destroyed) this.readable.push(null);
    if (raw.closed) return;
    const timer = clock.schedule(END_TIMEOUT_MS, () => raw.destroy());
    raw.once('close', () => timer.cancel());
  }

  #resume(): void {
    for (const resume of this.#drained.splice(0)) resume();
  }
}
