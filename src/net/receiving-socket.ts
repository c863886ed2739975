/**
 * Receiving into memory of our own: the one file that touches what node:net does not document.
 *
 * Node gives a socket a fresh 64 KiB buffer for every read, which costs more than all the rest of receiving. `onread`
 * avoids that, but is only offered to outgoing sockets; for accepted ones the handle must be moved to a socket made
 * by us. `canReceiveInPlace` tries that once on a real loopback connection; where it fails, 'data' events do the same
 * slower.
 */
import * as net from 'node:net';

export interface Receiver {
  /** Where the next read may land. */
  buffer(): Buffer;
  /** So many bytes are in the buffer: the one `buffer()` gave last, or (fallback) one of Node's. */
  received(count: number, buffer: Buffer): void;
}

/** What lies behind an accepted socket, as far as we use it. */
interface SocketInternals {
  _handle: (object & { useUserBuffer?: unknown; readStart?: unknown; writeQueueSize?: number }) | null;
  _server?: unknown;
  server?: unknown;
}

function internals(socket: net.Socket): SocketInternals {
  return socket as unknown as SocketInternals;
}

const SHARED_RECEIVE_BYTES = 1024 * 1024;
let sharedReceiveBuffer: Buffer | null = null;

/** The receive buffer of the whole process: whoever receives into it consumes the bytes before returning. */
export function sharedBuffer(): Buffer {
  sharedReceiveBuffer ??= Buffer.allocUnsafeSlow(SHARED_RECEIVE_BYTES);
  return sharedReceiveBuffer;
}

function onreadOf(receiver: Receiver): net.OnReadOpts {
  return {
    buffer: () => receiver.buffer(),
    callback: (count, buffer) => {
      receiver.received(count, buffer as Buffer);
      return true;
    },
  };
}

/** `accepted` comes from a server with pauseOnConnect. The result is paused: `resume()` starts the reading. */
export function receiveOn(accepted: net.Socket, receiver: Receiver, inPlace: boolean): net.Socket {
  if (!inPlace) {
    accepted.on('data', (bytes: Buffer) => receiver.received(bytes.length, bytes));
    accepted.pause();
    return accepted;
  }
  const { _handle: handle, _server: server } = internals(accepted);
  // Typed by what the constructor documents; `handle` is what child processes use to pass on a socket.
  const options = { handle, onread: onreadOf(receiver), pauseOnCreate: true } as unknown as net.SocketConstructorOpts;
  const socket = new net.Socket(options);
  internals(accepted)._handle = null;
  // The server counts its connections by these, and closes when the last one is gone.
  internals(socket)._server = server;
  internals(socket).server = server;
  return socket;
}

/** An outgoing connection whose reads land in the receiver's buffers; this way is documented. */
export function connectReceiving(host: string, port: number, receiver: Receiver): net.Socket {
  return net.connect({ host, port, noDelay: true, keepAlive: true, onread: onreadOf(receiver) });
}

/** Bytes handed to the socket that the kernel has not taken yet. */
export function unsentBytes(socket: net.Socket): number {
  const queued = internals(socket)._handle?.writeQueueSize;
  // While a write is under way its bytes count in both; what libuv holds is the part of it that is still to go.
  return typeof queued === 'number' && queued > 0 ? Math.min(queued, socket.writableLength) : socket.writableLength;
}

let selfCheck: Promise<boolean> | null = null;

/** Whether this Node lets accepted sockets receive in place; asked once per process. */
export function canReceiveInPlace(): Promise<boolean> {
  selfCheck ??= tryReceiveInPlace();
  return selfCheck;
}

function tryReceiveInPlace(): Promise<boolean> {
  const sent = Buffer.from('received in place');
  const target = Buffer.alloc(64);
  return new Promise((resolve) => {
    let socket: net.Socket | null = null;
    const server = net.createServer({ pauseOnConnect: true });
    const asker = new net.Socket();
    const done = (isGood: boolean): void => {
      socket?.destroy();
      asker.destroy();
      server.close();
      resolve(isGood);
    };
    const received = (count: number, buffer: Buffer): void =>
      done(buffer.buffer === target.buffer && target.subarray(0, count).equals(sent));
    server.on('error', () => done(false));
    asker.on('error', () => done(false));
    server.on('connection', (accepted) => {
      try {
        const handle = internals(accepted)._handle;
        if (typeof handle?.useUserBuffer !== 'function') return done(false);
        socket = receiveOn(accepted, { buffer: () => target, received }, true);
        socket.on('error', () => done(false));
        socket.on('end', () => done(false));
        socket.resume();
        asker.end(sent);
      } catch (error) {
        server.emit('error', error);
      }
    });
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') return done(false);
      asker.connect(address.port, '127.0.0.1');
    });
  });
}
