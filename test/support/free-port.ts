/**
 * Ports for servers that are stopped and started again. They are taken from below the range the kernel hands out to
 * outgoing connections, so that no client can sit on a broker's port while the broker is down.
 */
import { createServer } from 'node:net';

const FIRST_PORT = 12_000;
const PORT_COUNT = 19_000;
const handedOut = new Set<number>();

/** A port on 127.0.0.1 that nothing listens on, given only once by this process. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORT_COUNT);
    if (handedOut.has(port) || !(await canListen(port))) continue;
    handedOut.add(port);
    return port;
  }
  throw new Error('no free port found');
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
