/** Ends a connection whose client is still sending: it is told so and has a moment to read what was said to it. */
import type { Duplex } from 'node:stream';
import type { Clock } from '../lib/clock.ts';

const LINGER_MS = 1000;

/** What was written is sent; what comes is not waited for, nor is the client's own end. */
export function closeLingering(socket: Duplex, clock: Clock): void {
  socket.end();
  const timer = clock.schedule(LINGER_MS, () => socket.destroy());
  socket.once('close', () => timer.cancel());
}
