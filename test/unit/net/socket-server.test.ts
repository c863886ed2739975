/** Connections as clients meet them: order, back-pressure, packing, limits, hostile bytes; over loopback. */
import * as net from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Deferred } from '../../../src/lib/deferred.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { Connection, ConnectionLimits, EncodedReply, FrameHandler } from '../../../src/net/connection.ts';
import { canReceiveInPlace } from '../../../src/net/receiving-socket.ts';
import { SocketServer, type SocketServerConfig } from '../../../src/net/socket-server.ts';
import { eventually } from '../../support/eventually.ts';
import { FrameClient, framed } from '../../support/frame-client.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

interface TestServer {
  readonly server: SocketServer;
  readonly clock: ManualClock;
  readonly port: number;
  /** Requests in the order in which they were handled. */
  readonly handled: string[];
  /** Replies that a request `later…` or `staged…` waits for. */
  readonly pending: Map<string, Deferred<EncodedReply | null>>;
  readonly connections: Set<Connection>;
  readonly complaints: string[];
  readonly news: string[];
  releasedCount: number;
}

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  for (const one of opened.splice(0).reverse()) await one.close();
});

/** The text of a request says how it is handled; its reply is the same text. */
function handlerOf(test: Omit<TestServer, 'server' | 'port'>): FrameHandler {
  const ready = (text: string | Buffer): EncodedReply => ({
    kind: 'ready',
    bytes: framed(text),
    release: () => {
      test.releasedCount++;
    },
  });
  return (frame, connection) => {
    const text = frame.toString('latin1', 0, 100);
    test.connections.add(connection);
    test.handled.push(text);
    if (text.startsWith('silent')) return null;
    if (text.startsWith('bad')) throw new RangeError('cannot be read');
    if (text.startsWith('big')) return ready(Buffer.alloc(Number(text.slice(3)), 1));
    if (text.startsWith('huge')) return ready(Buffer.from(frame));
    if (!text.startsWith('later') && !text.startsWith('staged')) return ready(text);
    const reply = new Deferred<EncodedReply | null>();
    test.pending.set(text, reply);
    return { kind: 'pending', reply: reply.promise, isStaged: text.startsWith('staged') };
  };
}

async function startServer(
  config: Partial<SocketServerConfig> = {},
  limits: Partial<ConnectionLimits> = {},
): Promise<TestServer> {
  const clock = new ManualClock();
  const complaints: string[] = [];
  const news: string[] = [];
  const state = {
    clock,
    handled: [] as string[],
    pending: new Map<string, Deferred<EncodedReply | null>>(),
    connections: new Set<Connection>(),
    complaints,
    news,
    releasedCount: 0,
  };
  const server = new SocketServer({
    config: {
      listeners: [{ listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: '127.0.0.1', port: 0 }],
      interBrokerListenerName: 'INTERNAL',
      socketRequestMaxBytes: MAX_REQUEST_BYTES,
      socketListenBacklogSize: 50,
      connectionsMaxIdleMs: 600_000,
      maxConnections: 1000,
      maxConnectionsPerIp: 1000,
      maxConnectionsPerIpOverrides: new Map(),
      maxConnectionCreationRate: 2_147_483_647,
      ...config,
    },
    handleFrame: handlerOf(state),
    clock,
    logger: { ...silentLogger, warn: (message) => complaints.push(message), info: (message) => news.push(message) },
    limits,
  });
  await server.start();
  opened.push(server);
  return Object.assign(state, { server, port: server.boundPort('PLAINTEXT') });
}

async function connect(port: number): Promise<FrameClient> {
  const client = await FrameClient.connect(port);
  opened.push(client);
  return client;
}

function answer(test: TestServer, text: string, reply: string | null = text): void {
  const waiting = test.pending.get(text);
  if (waiting === undefined) throw new Error(`${text} was not handled yet`);
  waiting.resolve(reply === null ? null : { kind: 'ready', bytes: framed(reply), release: null });
}

const whenHandled = (test: TestServer, count: number): Promise<boolean> =>
  eventually(() => test.handled.length >= count, { intervalMs: 1, timeoutMs: 10_000 });

/** Several turns of the event loop: time enough for anything that is going to happen on this machine's loopback. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a connection', () => {
  it('receives in place on this Node', async () => {
    expect(await canReceiveInPlace()).toBe(true);
  });

  it('is named as in Kafka', async () => {
    const test = await startServer();
    const client = await connect(test.port);
    client.send('one');
    await client.whenFrames(1);
    const [connection] = test.connections;
    expect(connection?.id).toBe(`127.0.0.1:${test.port}-127.0.0.1:${client.socket.localPort}-0`);
    expect(connection?.listenerName).toBe('PLAINTEXT');
    expect(connection?.isInterBrokerListener).toBe(false);
  });

  it('handles one request at a time', async () => {
    const test = await startServer();
    const client = await connect(test.port);
    client.send('later1', 'two', 'later3', 'four');
    await whenHandled(test, 1);
    await settle();
    expect(test.handled).toEqual(['later1']);
    answer(test, 'later1');
    await whenHandled(test, 3);
    await settle();
    expect(test.handled).toEqual(['later1', 'two', 'later3']);
    expect(client.texts).toEqual(['later1', 'two']);
    answer(test, 'later3');
    await client.whenFrames(4);
    expect(client.texts).toEqual(['later1', 'two', 'later3', 'four']);
  });

  it('starts requests behind a staged one and still replies in order', async () => {
    const test = await startServer();
    const client = await connect(test.port);
    client.send('staged1', 'staged2', 'three');
    await whenHandled(test, 3);
    answer(test, 'staged2');
    await settle();
    expect(client.texts).toEqual([]);
    answer(test, 'staged1');
    await client.whenFrames(3);
    expect(client.texts).toEqual(['staged1', 'staged2', 'three']);
  });

  it('starts no more staged requests than its limit', async () => {
    const test = await startServer({}, { maxInFlightRequests: 3 });
    const client = await connect(test.port);
    client.send(...Array.from({ length: 5 }, (_, index) => `staged${index}`));
    await whenHandled(test, 3);
    await settle();
    expect(test.handled.length).toBe(3);
    answer(test, 'staged1');
    await settle();
    expect(test.handled.length).toBe(3);
    answer(test, 'staged0');
    await whenHandled(test, 5);
    for (const index of [4, 3, 2]) answer(test, `staged${index}`);
    await client.whenFrames(5);
    expect(client.texts).toEqual(['staged0', 'staged1', 'staged2', 'staged3', 'staged4']);
  });

  it('gives no reply to a request that wants none', async () => {
    const test = await startServer();
    const client = await connect(test.port);
    client.send('silent1', 'later2', 'silent3', 'four');
    await whenHandled(test, 2);
    answer(test, 'later2', null);
    await client.whenFrames(1);
    expect(client.texts).toEqual(['four']);
  });

  it('replies in order to any requests, cut anywhere, completed in any order', async () => {
    const test = await startServer({}, { maxInFlightRequests: 8 });
    const request = fc.tuple(fc.constantFrom('staged', 'later', 'now', 'silent', 'huge'), fc.nat(3000));
    const run = async (requests: [string, number][], choose: (bound: number) => number): Promise<void> => {
      test.pending.clear();
      const client = await connect(test.port);
      const payloads = requests.map(([kind, size], index) => {
        if (kind === 'huge') return Buffer.alloc(size * 100 + 10, `huge-${index}-`);
        return Buffer.from(`${kind}-${index}-${'x'.repeat(size % 90)}`);
      });
      const bytes = Buffer.concat(payloads.map(framed));
      const send = async (): Promise<void> => {
        for (let at = 0; at < bytes.length; ) {
          const count = 1 + choose(40_000);
          client.socket.write(bytes.subarray(at, at + count));
          at += count;
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      const expected = payloads.filter((_, index) => requests[index]?.[0] !== 'silent');
      const complete = async (): Promise<void> => {
        while (client.frames.length < expected.length) {
          const waiting = [...test.pending.keys()];
          const text = waiting[choose(Math.max(1, waiting.length))];
          if (text !== undefined) {
            answer(test, text);
            test.pending.delete(text);
          }
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      await Promise.all([send(), complete()]);
      expect(client.frames.map((frame) => frame.toString('latin1', 0, 100))).toEqual(
        expected.map((payload) => payload.toString('latin1', 0, 100)),
      );
      expect(client.frames.every((frame, index) => frame.equals(expected[index]!))).toBe(true);
      client.close();
    };
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 25 }), fc.gen(), (requests, gen) =>
        run(requests, (bound) => gen(fc.nat, Math.max(0, bound - 1))),
      ),
      { numRuns: 25, endOnFailure: true },
    );
  });
});

describe('the replies of one turn', () => {
  /** Writes of the server's side. */
  function serverWrites(port: number): () => number {
    const spy = vi.spyOn(net.Socket.prototype, 'write');
    return () => spy.mock.contexts.filter((socket) => (socket as net.Socket).localPort === port).length;
  }

  it('leave in one write', async () => {
    const test = await startServer();
    const client = await connect(test.port);
    const writes = serverWrites(test.port);
    client.send(...Array.from({ length: 100 }, (_, index) => `request ${index}`));
    await client.whenFrames(100);
    expect(writes()).toBe(1);
    await eventually(() => test.releasedCount === 100, { intervalMs: 1 });
  });

  it('leave in one write also when they became ready later', async () => {
    const test = await startServer();
    const client = await connect(test.port);
    const writes = serverWrites(test.port);
    client.send(...Array.from({ length: 50 }, (_, index) => `staged${index}`));
    await whenHandled(test, 50);
    for (let index = 49; index >= 0; index--) answer(test, `staged${index}`);
    await client.whenFrames(50);
    expect(writes()).toBe(1);
  });

  it('are not copied when they are large', async () => {
    const test = await startServer();
    const client = await connect(test.port);
    const spy = vi.spyOn(net.Socket.prototype, 'write');
    client.send('one', 'two', 'big100000', 'three');
    await client.whenFrames(4);
    const sizes = spy.mock.calls
      .filter((_, index) => (spy.mock.contexts[index] as net.Socket).localPort === test.port)
      .map(([bytes]) => (bytes as Buffer).length);
    expect(sizes).toEqual([14, 100_004, 9]);
    expect(client.frames.map(({ length }) => length)).toEqual([3, 3, 100_000, 5]);
  });

  it('give their buffers back when the connection is lost', async () => {
    const test = await startServer();
    const client = await connect(test.port);
    client.send('staged1', 'two', 'three');
    await whenHandled(test, 3);
    client.close();
    await eventually(() => test.releasedCount === 2, { intervalMs: 1 });
    answer(test, 'staged1');
    await settle();
    expect(test.server.connectionCount).toBe(0);
  });
});

describe('back-pressure', () => {
  it('stops reading while no request may start, and loses nothing', async () => {
    const test = await startServer();
    const client = await connect(test.port);
    client.send('later');
    await whenHandled(test, 1);
    const payload = Buffer.alloc(1024 * 1024, 'x');
    for (let index = 0; index < 64; index++) client.send(payload);
    await eventually(() => client.socket.writableLength > 0, { intervalMs: 1 });
    await settle();
    const stuck = client.socket.writableLength;
    await settle();
    expect(client.socket.writableLength).toBe(stuck);
    expect(stuck).toBeGreaterThan(32 * 1024 * 1024);
    answer(test, 'later');
    await client.whenFrames(65);
    expect(test.handled.length).toBe(65);
  });

  it('starts no request for a client that does not read its replies', async () => {
    const test = await startServer();
    const client = await connect(test.port);
    client.socket.pause();
    const request = 'big1000000';
    client.send(...Array.from({ length: 100 }, () => request));
    await whenHandled(test, 2);
    await settle();
    const handled = test.handled.length;
    expect(handled).toBeLessThan(30);
    await settle();
    expect(test.handled.length).toBe(handled);
    client.socket.resume();
    await client.whenFrames(100);
  });

  it('closes a client that takes nothing for too long', async () => {
    const test = await startServer({}, { stalledWriteTimeoutMs: 60_000 });
    const stalled = await connect(test.port);
    stalled.socket.pause();
    stalled.send(...Array.from({ length: 30 }, () => 'big1000000'));
    await whenHandled(test, 2);
    await settle();
    test.clock.advance(59_000);
    expect(stalled.isClosed).toBe(false);
    expect(test.server.connectionCount).toBe(1);
    test.clock.advance(3_000);
    expect(test.server.connectionCount).toBe(0);
    expect(test.complaints.join()).toContain('took none of');
  });

  it('gives other connections their turn while one sends without end', async () => {
    const test = await startServer({}, { turnMs: 0 });
    const [greedy, modest] = [await connect(test.port), await connect(test.port)];
    greedy.send(...Array.from({ length: 2000 }, (_, index) => `greedy ${index}`));
    modest.send('modest');
    await modest.whenFrames(1);
    expect(test.handled.indexOf('modest')).toBeLessThan(100);
    await greedy.whenFrames(2000);
  });
});

describe('limits', () => {
  it('close an idle connection, but none that waits for us', async () => {
    const test = await startServer({ connectionsMaxIdleMs: 10_000 });
    const [idle, waiting] = [await connect(test.port), await connect(test.port)];
    waiting.send('later');
    await whenHandled(test, 1);
    await eventually(() => test.server.connectionCount === 2, { intervalMs: 1 });
    test.clock.advance(9_000);
    expect(test.server.connectionCount).toBe(2);
    test.clock.advance(3_000);
    await idle.whenClosed();
    expect(waiting.isClosed).toBe(false);
    answer(test, 'later');
    await waiting.whenFrames(1);
    expect(test.complaints).toEqual([]);
  });

  it('close a connection that dribbles a request, but not one that is just slow', async () => {
    const test = await startServer({}, { frameTimeoutMs: 30_000, minFrameBytesPerSecond: 1000 });
    const [dribbling, slow] = [await connect(test.port), await connect(test.port)];
    const length = Buffer.from([0, 1, 0, 0]);
    dribbling.socket.write(Buffer.concat([length, Buffer.alloc(10)]));
    slow.socket.write(Buffer.concat([length, Buffer.alloc(50_000)]));
    await eventually(() => test.server.connectionCount === 2, { intervalMs: 1 });
    await settle();
    test.clock.advance(35_000);
    await dribbling.whenClosed();
    expect(slow.isClosed).toBe(false);
    test.clock.advance(30_000);
    await slow.whenClosed();
  });

  it('refuse a frame that is too large without taking memory for it, and close only that connection', async () => {
    const test = await startServer();
    const [good, bad] = [await connect(test.port), await connect(test.port)];
    bad.socket.write(Buffer.from([0x7f, 0xff, 0xff, 0xff, 1, 2, 3]));
    await bad.whenClosed();
    good.send('still here');
    await good.whenFrames(1);
    expect(test.complaints.length).toBe(1);
    expect(test.complaints[0]).toContain('a frame of 2147483647 bytes');
  });

  it('hold connections in all and from one address', async () => {
    const perAddress = await startServer({ maxConnectionsPerIp: 2 });
    const first = await connect(perAddress.port);
    await connect(perAddress.port);
    await (await connect(perAddress.port)).whenClosed();
    first.close();
    await eventually(() => perAddress.server.connectionCount === 1, { intervalMs: 1 });
    const again = await connect(perAddress.port);
    again.send('welcome');
    await again.whenFrames(1);

    const overridden = await startServer({
      maxConnectionsPerIp: 0,
      maxConnectionsPerIpOverrides: new Map([['127.0.0.1', 1]]),
    });
    await connect(overridden.port);
    await (await connect(overridden.port)).whenClosed();

    const inAll = await startServer({ maxConnections: 1 });
    await connect(inAll.port);
    await (await connect(inAll.port)).whenClosed();
    expect(inAll.complaints[0]).toContain('too many connections');
  });

  it('never keep another broker out: the least recently used client makes room', async () => {
    const endpoint = { securityProtocol: 'PLAINTEXT', host: '127.0.0.1', port: 0 } as const;
    const test = await startServer({
      maxConnections: 2,
      listeners: [
        { ...endpoint, listenerName: 'PLAINTEXT' },
        { ...endpoint, listenerName: 'INTERNAL' },
      ],
    });
    const older = await connect(test.port);
    await eventually(() => test.server.connectionCount === 1, { intervalMs: 1 });
    test.clock.advance(10);
    const newer = await connect(test.port);
    newer.send('hello');
    await newer.whenFrames(1);
    const peer = await connect(test.server.boundPort('INTERNAL'));
    peer.send('broker');
    await peer.whenFrames(1);
    await older.whenClosed();
    expect(newer.isClosed).toBe(false);
  });

  it('let connections that come faster than the rate wait, and refuse none', async () => {
    const test = await startServer({ maxConnectionCreationRate: 2 });
    const clients: FrameClient[] = [];
    for (let index = 0; index < 4; index++) {
      clients.push(await connect(test.port));
      clients[index]?.send(String(index));
      await eventually(() => test.server.connectionCount === index + 1, { intervalMs: 1 });
    }
    await whenHandled(test, 2);
    await settle();
    expect(test.handled).toEqual(['0', '1']);
    test.clock.advance(500);
    await clients[2]?.whenFrames(1);
    expect(test.handled).toEqual(['0', '1', '2']);
    await test.server.close();
    await clients[3]?.whenClosed();
  });

  it('log a flood of complaints only in part', async () => {
    const test = await startServer();
    for (let index = 0; index < 30; index++) {
      const client = await connect(test.port);
      client.send('bad');
      await client.whenClosed();
    }
    expect(test.complaints.length).toBe(10);
    test.clock.advance(20_000);
    const client = await connect(test.port);
    client.send('bad');
    await client.whenClosed();
    expect(test.complaints).toContain('20 more complaints about connections were not logged');
  });
});

describe('a hostile client', () => {
  it('hurts nobody but itself, whatever bytes it sends', async () => {
    const test = await startServer();
    const witness = await connect(test.port);
    let count = 0;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
        const client = await connect(test.port);
        client.socket.end(Buffer.from(bytes));
        await client.whenClosed();
        witness.send('alive');
        await witness.whenFrames(++count);
      }),
      { numRuns: 50 },
    );
    expect(test.server.connectionCount).toBe(1);
  });

  it('that goes away is no longer worked for, if whoever works for it wants to know', async () => {
    const ended: string[] = [];
    const test = await startServer();
    const client = await connect(test.port);
    client.socket.write(framed('silent'));
    await whenHandled(test, 1);
    for (const connection of test.connections) {
      connection.onClose(() => ended.push('told'));
      connection.onClose(() => ended.push('not any more'))();
    }
    client.close();
    await eventually(() => test.server.connectionCount === 0, { intervalMs: 1 });
    expect(ended).toEqual(['told']);
  });

  it('that goes away in the middle of a request leaves nothing behind', async () => {
    const test = await startServer();
    const client = await connect(test.port);
    client.socket.write(Buffer.concat([Buffer.from([0, 16, 0, 0]), Buffer.alloc(100_000)]));
    await settle();
    client.close();
    await eventually(() => test.server.connectionCount === 0, { intervalMs: 1 });
    expect(test.complaints).toEqual([]);
  });
});

describe('the end', () => {
  it('closes every connection and resolves', async () => {
    const test = await startServer();
    const client = await connect(test.port);
    client.send('staged1', 'later2');
    await whenHandled(test, 2);
    await test.server.close();
    await client.whenClosed();
    expect(test.server.connectionCount).toBe(0);
  });

  it('comes at once when an address cannot be bound', async () => {
    const test = await startServer();
    expect(test.news).toEqual([`Awaiting socket connections on 127.0.0.1:${test.port}.`]);
    await expect(
      startServer({
        listeners: [
          { listenerName: 'A', securityProtocol: 'PLAINTEXT', host: '127.0.0.1', port: 0 },
          { listenerName: 'B', securityProtocol: 'PLAINTEXT', host: '127.0.0.1', port: test.port },
        ],
      }),
    ).rejects.toThrow(`Socket server failed to bind to 127.0.0.1:${test.port}`);
  });
});
