/**
 * The cures of the client package's defects, one by one, over a link that fails. The "two servers" are two links to the
 * same server: for the client that is the same, and it takes one process.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { ANY_VERSION } from '../../src/zk/operations.ts';
import type { ZooKeeper } from '../../src/zk/zookeeper.ts';
import { eventually } from '../support/eventually.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { connectZooKeeper, newZooKeeper, type TestClientOptions } from '../support/zookeeper-client.ts';
import { startZooKeeper, type TestZooKeeper } from '../support/zookeeper-server.ts';

let server: TestZooKeeper;
/** Another client, on a link that never fails. */
let witness: ZooKeeper;
beforeAll(async () => {
  server = await startZooKeeper();
});
afterAll(() => server.close());
beforeEach(async () => {
  witness = await connectZooKeeper(server.connectString);
  for (const name of (await witness.children('/')) ?? [])
    if (name !== 'zookeeper') await witness.deleteRecursive(`/${name}`);
});

async function newProxy(): Promise<TcpProxy> {
  const proxy = await TcpProxy.start(server.servers[0]?.port ?? 0);
  onTestFinished(() => proxy.close());
  return proxy;
}

/** A client that is connected through one of two links, and which one. */
async function connectOverTwoLinks(options: TestClientOptions = {}) {
  const proxies = [await newProxy(), await newProxy()];
  const zk = await connectZooKeeper(proxies.map(({ address }) => address).join(','), options);
  const used = proxies.find(({ liveLinks }) => liveLinks > 0) ?? expect.unreachable();
  const other = proxies.find((proxy) => proxy !== used) ?? expect.unreachable();
  return { zk, used, other };
}

async function connectOverOneLink(options: TestClientOptions = {}) {
  const proxy = await newProxy();
  return { zk: await connectZooKeeper(proxy.address, options), proxy };
}

/** Whole numbers below a bound, the same ones for the same seed (mulberry32). */
function seededRandom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

const bytes = (text: string): Buffer => Buffer.from(text);

describe('a dead link', () => {
  it('is noticed, and the session goes on over another with its ephemeral znodes', async () => {
    const { zk, used, other } = await connectOverTwoLinks({ sessionTimeoutMs: 3000 });
    const { sessionId } = zk;
    let lost = 0;
    zk.onSessionLost(() => lost++);
    await zk.create('/mine', null, { ephemeral: true });
    used.blackHole();
    const write = zk.create('/late', null);
    await eventually(() => other.liveLinks > 0);
    expect(await write).toBe('/late');
    expect(zk.sessionId).toBe(sessionId);
    expect(lost).toBe(0);
    expect((await witness.exists('/mine'))?.ephemeralOwner).toBe(sessionId);
    expect(zk.isLeaseValid()).toBe(true);
  });

  it('ends the lease before the server can have given up the session', async () => {
    const { zk, used, other } = await connectOverTwoLinks({ sessionTimeoutMs: 2000 });
    await zk.create('/mine', null, { ephemeral: true });
    used.blackHole();
    other.blackHole();
    await eventually(() => !zk.isLeaseValid(), { intervalMs: 5 });
    expect(zk.state).not.toBe('LOST');
    expect(await witness.exists('/mine')).not.toBeNull();
    await eventually(async () => (await witness.exists('/mine')) === null);
    await eventually(() => zk.state === 'LOST');
  });
});

it('a server that accepts and says nothing is left for another', async () => {
  const [silent, good] = [await newProxy(), await newProxy()];
  silent.acceptOnly();
  // Whichever is tried first: one of the two clients meets the silent one first.
  for (const addresses of [
    [silent, good],
    [good, silent],
  ]) {
    const zk = await connectZooKeeper(addresses.map(({ address }) => address).join(','));
    expect(await zk.exists('/')).not.toBeNull();
  }
  expect(silent.connectionCount).toBeGreaterThan(0);
});

it('a server that took a connection and forgot it, as one that starts does, is soon asked again', async () => {
  const sessionTimeoutMs = 20_000;
  const proxy = await newProxy();
  proxy.acceptOnly();
  const startedMs = performance.now();
  const connecting = connectZooKeeper(proxy.address, { sessionTimeoutMs });
  await eventually(() => proxy.connectionCount > 0);
  proxy.heal();
  expect(await (await connecting).exists('/')).not.toBeNull();
  expect(performance.now() - startedMs).toBeLessThan(sessionTimeoutMs / 4);
});

it('a session that only hears of changes and never asks stays alive', async () => {
  const zk = await connectZooKeeper(server.connectString, { sessionTimeoutMs: 1200 });
  let lost = 0;
  zk.onSessionLost(() => lost++);
  await zk.create('/mine', null, { ephemeral: true });
  const names = Array.from({ length: 200 }, (_, index) => `/w${index}`);
  await Promise.all(names.map((name) => witness.create(name, null)));
  let heard = 0;
  for (const name of names) {
    zk.watch(name, () => heard++);
    await zk.get(name);
  }
  // One change every few milliseconds, so that the socket is never idle, for several session timeouts.
  const startedMs = performance.now();
  for (let index = 0; performance.now() - startedMs < 5000; index++) {
    await witness.set(names[index % names.length] ?? '', null, ANY_VERSION);
    await eventually(() => performance.now() - startedMs > (index + 1) * 12, { intervalMs: 4 });
  }
  expect(heard).toBe(names.length);
  expect(lost).toBe(0);
  expect((await witness.exists('/mine'))?.ephemeralOwner).toBe(zk.sessionId);
});

describe('a connection that is cut in the middle of a reply', () => {
  it.each([1, 3, 4, 19, 21, 30, 100])('after %i bytes is followed by one that works', async (byteCount) => {
    const { zk, proxy } = await connectOverOneLink();
    const { sessionId } = zk;
    await zk.create('/a', Buffer.alloc(500, 7));
    const cut = proxy.cutNextReplyAfter(byteCount);
    expect((await zk.get('/a'))?.data).toEqual(Buffer.alloc(500, 7));
    await cut;
    expect(zk.sessionId).toBe(sessionId);
    expect(await zk.children('/')).toContain('a');
  });
});

describe('a lost reply', () => {
  it('of a creation is resolved: it is ours', async () => {
    const { zk, proxy } = await connectOverOneLink();
    for (const [path, options] of [
      ['/persistent', {}],
      ['/ephemeral', { ephemeral: true }],
    ] as const) {
      const lost = proxy.loseNextReply();
      expect(await zk.create(path, bytes('mine'), options)).toBe(path);
      await lost;
      expect((await witness.get(path))?.stat.version).toBe(0);
    }
  });

  it('of a creation does not make the znode of another ours', async () => {
    const { zk, proxy } = await connectOverOneLink();
    await witness.create('/a', bytes('theirs'));
    await witness.create('/e', bytes('same'), { ephemeral: true });
    for (const [path, data, options] of [
      ['/a', 'mine', {}],
      ['/e', 'same', { ephemeral: true }],
    ] as const) {
      const lost = proxy.loseNextReply();
      await expect(zk.create(path, bytes(data), options)).rejects.toMatchObject({ code: 'NODE_EXISTS', path });
      await lost;
    }
  });

  it('of a sequential creation may leave two', async () => {
    const { zk, proxy } = await connectOverOneLink();
    await zk.create('/parent', null);
    const lost = proxy.loseNextReply();
    expect(await zk.create('/parent/s_', null, { sequential: true })).toBe('/parent/s_0000000001');
    await lost;
    expect((await witness.children('/parent'))?.sort()).toEqual(['s_0000000000', 's_0000000001']);
  });

  it('of a conditional change is resolved, and a real conflict stays one', async () => {
    const { zk, proxy } = await connectOverOneLink();
    await zk.create('/a', null);
    let lost = proxy.loseNextReply();
    expect(await zk.set('/a', bytes('mine'), 0)).toMatchObject({ version: 1 });
    await lost;
    expect((await witness.get('/a'))?.stat.version).toBe(1);

    lost = proxy.loseNextReply();
    await expect(zk.set('/a', bytes('stale'), 0)).rejects.toMatchObject({ code: 'BAD_VERSION' });
    await lost;
  });

  it('of a deletion is resolved', async () => {
    const { zk, proxy } = await connectOverOneLink();
    await zk.create('/a', null);
    const lost = proxy.loseNextReply();
    await zk.delete('/a', 0);
    await lost;
    expect(await witness.exists('/a')).toBeNull();
  });

  it('of a multi is resolved, with its results', async () => {
    const { zk, proxy } = await connectOverOneLink();
    await zk.create('/fence', null);
    const lost = proxy.loseNextReply();
    const [check, create, set, count] = await zk.multi([
      { type: 'check', path: '/fence', version: 0 },
      { type: 'create', path: '/a', data: null, ephemeral: true },
      { type: 'set', path: '/a', data: bytes('x'), version: 0 },
      { type: 'create', path: '/b', data: bytes('y') },
    ]);
    await lost;
    const found = await witness.exists('/a');
    expect(check).toEqual({ type: 'check' });
    expect(create).toEqual({ type: 'create', path: '/a' });
    expect(set).toEqual({ type: 'set', stat: found });
    expect(count).toEqual({ type: 'create', path: '/b' });
  });

  it('of a multi that was refused stays a refusal', async () => {
    const { zk, proxy } = await connectOverOneLink();
    await witness.create('/a', bytes('theirs'));
    const lost = proxy.loseNextReply();
    const refused = zk.multi([
      { type: 'create', path: '/b', data: null },
      { type: 'set', path: '/a', data: bytes('mine'), version: 7 },
    ]);
    await expect(refused).rejects.toMatchObject({ code: 'BAD_VERSION', failedOperation: 1, path: '/a' });
    await lost;
    expect(await witness.exists('/b')).toBeNull();
  });

  it('keeps the order of what was in flight', async () => {
    const { zk, proxy } = await connectOverOneLink();
    await zk.create('/a', null);
    const lost = proxy.loseNextReply();
    const writes = Array.from({ length: 300 }, (_, index) => zk.set('/a', bytes(String(index)), ANY_VERSION));
    await Promise.all(writes);
    await lost;
    expect((await witness.get('/a'))?.data).toEqual(bytes('299'));
  });
});

it.each([1, 2, 3])('whatever the link does, each change that is confirmed happened once: seed %i', async (seed) => {
  const { zk, proxy } = await connectOverOneLink();
  const random = seededRandom(seed);
  await zk.create('/counter', bytes('0'));
  await zk.create('/log', null);
  const faults = [
    () => proxy.cut(),
    () => void proxy.loseNextReply(),
    () => void proxy.cutNextReplyAfter(1 + random(60)),
    () => undefined,
  ];
  for (let count = 1; count <= 150; count++) {
    faults[random(faults.length)]?.();
    const data = bytes(String(count));
    const counting = zk.multi([
      { type: 'check', path: '/log', version: 0 },
      { type: 'set', path: '/counter', data, version: count - 1 },
      { type: 'create', path: `/log/${count}`, data },
    ]);
    const others = Array.from({ length: random(5) }, (_, index) => zk.create(`/log/${count}-${index}`, data));
    const [, set] = await counting;
    expect(set).toMatchObject({ type: 'set', stat: { version: count } });
    await Promise.all(others);
  }
  expect(await witness.get('/counter')).toMatchObject({ data: bytes('150'), stat: { version: 150 } });
  expect(zk.state).toBe('CONNECTED');
});

describe('a refusal', () => {
  it('with a code that this client has never heard of is just an error', async () => {
    const { zk, proxy } = await connectOverOneLink();
    const changed = proxy.failNextReplyWith(-4711);
    const refusal = { code: 'UNKNOWN', message: 'ZooKeeper error UNKNOWN (-4711) for /' };
    await expect(zk.exists('/')).rejects.toMatchObject(refusal);
    await changed;
    expect(zk.state).toBe('CONNECTED');
  });

  it("of a connection that is not the session's newest makes a new one, and nobody hears of it", async () => {
    const { zk, proxy } = await connectOverOneLink();
    const changed = proxy.failNextReplyWith(-118);
    expect(await zk.exists('/')).not.toBeNull();
    await changed;
    expect(proxy.connectionCount).toBe(2);
  });
});

describe('more watches than fit in one packet', () => {
  it('survive a reconnect, and tell of what happened meanwhile', async () => {
    const { zk, proxy } = await connectOverOneLink({ sessionTimeoutMs: 4000 });
    const { sessionId } = zk;
    // 12,000 paths of 110 bytes; none exists, so that they need not be created.
    const paths = Array.from({ length: 12_000 }, (_, index) => `/${'w'.repeat(104)}${10_000 + index}`);
    const heard = new Set<string>();
    for (const path of paths) zk.watch(path, () => heard.add(path));
    await Promise.all(paths.map((path) => zk.exists(path)));
    proxy.refuse();
    const [first = '', last = ''] = [paths.at(0), paths.at(-1)];
    await witness.create(last, null);
    proxy.heal();
    expect(await zk.exists('/')).not.toBeNull();
    await eventually(() => heard.has(last));
    await witness.create(first, null);
    await eventually(() => heard.has(first));
    expect([...heard].sort()).toEqual([first, last].sort());
    expect(zk.sessionId).toBe(sessionId);
    expect(proxy.connectionCount).toBeLessThan(100);
  });
});

it('closing over a dead link ends in time', async () => {
  const { zk, used, other } = await connectOverTwoLinks({ sessionTimeoutMs: 4000 });
  used.blackHole();
  other.blackHole();
  const startedMs = performance.now();
  await zk.close();
  expect(performance.now() - startedMs).toBeLessThan(20_000);
  expect(zk.state).toBe('CLOSED');
});

it('what is asked before the connection is made is answered after it', async () => {
  const proxy = await newProxy();
  proxy.refuse();
  const zk = newZooKeeper(proxy.address);
  const early = zk.exists('/');
  const connecting = zk.connect();
  await eventually(() => proxy.connectionCount > 2);
  proxy.heal();
  await connecting;
  expect(await early).not.toBeNull();
});
