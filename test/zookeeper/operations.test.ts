/** What a client can ask, against one real server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANY_VERSION, NO_OWNER } from '../../src/zk/operations.ts';
import { newZooKeeper, connectZooKeeper } from '../support/zookeeper-client.ts';
import { startZooKeeper, type TestZooKeeper } from '../support/zookeeper-server.ts';

let server: TestZooKeeper;
beforeAll(async () => {
  server = await startZooKeeper();
});
afterAll(() => server.close());

let caseCount = 0;
/** A client in a chroot of its own. */
const connect = () => connectZooKeeper(`${server.connectString}/case-${++caseCount}`);
const bytes = (text: string): Buffer => Buffer.from(text);

describe('a znode', () => {
  it('is created, read, changed and deleted, each change conditional on its version', async () => {
    const zk = await connect();
    expect(await zk.create('/a', bytes('one'))).toBe('/a');
    const created = await zk.get('/a');
    expect(created?.data).toEqual(bytes('one'));
    expect(created?.stat).toMatchObject({ version: 0, ephemeralOwner: NO_OWNER, numChildren: 0 });
    expect(created?.stat.czxid).toBeGreaterThan(0);

    await expect(zk.set('/a', bytes('two'), 1)).rejects.toMatchObject({ code: 'BAD_VERSION', path: '/a' });
    expect(await zk.set('/a', bytes('two'), 0)).toMatchObject({ version: 1, czxid: created?.stat.czxid });
    await expect(zk.delete('/a', 0)).rejects.toMatchObject({ code: 'BAD_VERSION' });
    await zk.delete('/a', 1);
    expect(await zk.get('/a')).toBeNull();
    expect(await zk.exists('/a')).toBeNull();
    expect(await zk.children('/a')).toBeNull();
    await expect(zk.delete('/a', ANY_VERSION)).rejects.toMatchObject({ code: 'NO_NODE' });
    await expect(zk.set('/a', bytes('x'), ANY_VERSION)).rejects.toMatchObject({ code: 'NO_NODE' });
  });

  it('tells no data from empty data', async () => {
    const zk = await connect();
    await zk.create('/null', null);
    await zk.create('/empty', Buffer.alloc(0));
    expect((await zk.get('/null'))?.data).toBeNull();
    expect((await zk.get('/empty'))?.data).toEqual(Buffer.alloc(0));
    await zk.set('/empty', null, ANY_VERSION);
    expect((await zk.get('/empty'))?.data).toBeNull();
  });

  it('refuses a second creation, a missing parent and the deletion of a parent', async () => {
    const zk = await connect();
    await zk.create('/a', null);
    await expect(zk.create('/a', null)).rejects.toMatchObject({ code: 'NODE_EXISTS' });
    await expect(zk.create('/no/parent', null)).rejects.toMatchObject({ code: 'NO_NODE' });
    await zk.create('/a/b', null);
    await expect(zk.delete('/a', ANY_VERSION)).rejects.toMatchObject({ code: 'NOT_EMPTY' });
    expect(await zk.children('/a')).toEqual(['b']);
  });

  it('may be ephemeral: it belongs to the session and ends with it', async () => {
    const [owner, other] = [await connect(), await connectZooKeeper(`${server.connectString}/case-${caseCount}`)];
    await owner.create('/here', null, { ephemeral: true });
    expect((await other.exists('/here'))?.ephemeralOwner).toBe(owner.sessionId);
    await owner.close();
    await other.barrier();
    expect(await other.exists('/here')).toBeNull();
  });

  it('may be sequential: the server numbers it', async () => {
    const zk = await connect();
    expect(await zk.create('/n_', null, { sequential: true })).toBe('/n_0000000000');
    expect(await zk.create('/n_', null, { sequential: true })).toBe('/n_0000000001');
  });

  it('may hold almost a megabyte; more is refused here, and the connection goes on', async () => {
    const zk = await connect();
    const large = Buffer.alloc(1_040_000, 1);
    await zk.create('/large', large);
    expect((await zk.get('/large'))?.data?.equals(large)).toBe(true);
    const sessionId = zk.sessionId;
    await expect(zk.create('/larger', Buffer.alloc(1_048_576))).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
    await expect(zk.multi([{ type: 'create', path: '/m', data: Buffer.alloc(1_048_576) }])).rejects.toMatchObject({
      code: 'REQUEST_TOO_LARGE',
    });
    expect(await zk.exists('/larger')).toBeNull();
    expect(zk.sessionId).toBe(sessionId);
  });
});

describe('a multi', () => {
  it('does all of it or nothing, and says which operation was refused', async () => {
    const zk = await connect();
    const results = await zk.multi([
      { type: 'create', path: '/a', data: null },
      { type: 'set', path: '/a', data: bytes('1'), version: 0 },
      { type: 'create', path: '/a/s_', data: null, sequential: true },
      { type: 'check', path: '/a', version: 1 },
      { type: 'delete', path: '/a/s_0000000000', version: 0 },
    ]);
    expect(results.map((result) => result.type)).toEqual(['create', 'set', 'create', 'check', 'delete']);
    expect(results[0]).toEqual({ type: 'create', path: '/a' });
    expect(results[1]).toMatchObject({ type: 'set', stat: { version: 1 } });
    expect(results[2]).toEqual({ type: 'create', path: '/a/s_0000000000' });

    const refused = zk.multi([
      { type: 'create', path: '/b', data: null },
      { type: 'create', path: '/c', data: null },
      { type: 'check', path: '/missing', version: ANY_VERSION },
      { type: 'create', path: '/d', data: null },
    ]);
    await expect(refused).rejects.toMatchObject({ code: 'NO_NODE', path: '/missing', failedOperation: 2 });
    expect((await zk.children('/'))?.sort()).toEqual(['a']);
  });

  it('takes version 0 for version 0, not for any version', async () => {
    const zk = await connect();
    await zk.create('/a', null);
    for (const version of [0, 1]) await zk.set('/a', bytes(String(version)), version);
    const conditional = [
      { type: 'check', path: '/a', version: 0 },
      { type: 'set', path: '/a', data: bytes('x'), version: 0 },
      { type: 'delete', path: '/a', version: 0 },
    ] as const;
    for (const operation of conditional) {
      const refusal = { code: 'BAD_VERSION', failedOperation: 0 };
      await expect(zk.multi([operation, { type: 'create', path: '/b', data: null }])).rejects.toMatchObject(refusal);
    }
    expect(await zk.exists('/b')).toBeNull();
    expect((await zk.get('/a'))?.data).toEqual(bytes('1'));
  });

  it('of nothing succeeds', async () => {
    expect(await (await connect()).multi([])).toEqual([]);
  });
});

describe('a chroot', () => {
  it('is created when it is missing and is the root of every path', async () => {
    const inner = await connectZooKeeper(`${server.connectString}/deep/chroot`);
    const outer = await connectZooKeeper(server.connectString);
    expect(await outer.exists('/deep/chroot')).not.toBeNull();
    const seen: string[] = [];
    inner.watch('/a', () => seen.push('data'));
    inner.watchChildren('/', () => seen.push('children'));
    expect(await inner.get('/a')).toBeNull();
    expect(await inner.children('/')).toEqual([]);
    expect(await inner.create('/a', bytes('x'))).toBe('/a');
    expect(await inner.multi([{ type: 'create', path: '/a/n', data: null, sequential: true }])).toEqual([
      { type: 'create', path: '/a/n0000000000' },
    ]);
    expect((await outer.get('/deep/chroot/a'))?.data).toEqual(bytes('x'));
    expect(seen.sort()).toEqual(['children', 'data']);
    await inner.barrier();
    await inner.deleteRecursive('/a');
    expect(await outer.children('/deep/chroot')).toEqual([]);
  });
});

describe('trees', () => {
  it('are created from the root down, leaving what is there, and deleted from the leaves up', async () => {
    const zk = await connect();
    await zk.create('/a', bytes('kept'));
    await zk.createRecursive('/a/b/c/d');
    await zk.createRecursive('/a/b/c/d');
    await zk.createRecursive('/a/b/e');
    expect((await zk.get('/a'))?.data).toEqual(bytes('kept'));
    expect(await zk.exists('/a/b/c/d')).not.toBeNull();
    await zk.deleteRecursive('/a');
    await zk.deleteRecursive('/a');
    expect(await zk.children('/')).toEqual([]);
  });
});

describe('a client', () => {
  it('keeps a bound on what is on the wire and on what waits', async () => {
    const zk = newZooKeeper(server.connectString, { maxInFlightRequests: 2, maxWaitingRequests: 10 });
    const early = Array.from({ length: 11 }, () => zk.exists('/'));
    await expect(early[10]).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });
    await zk.connect();
    expect((await Promise.all(early.slice(0, 10))).every((stat) => stat !== null)).toBe(true);
  });

  it('answers thousands of pipelined requests in order', async () => {
    const zk = await connect();
    const order: number[] = [];
    const writes = Array.from({ length: 2000 }, (_, index) =>
      zk.create(`/n${index}`, bytes(String(index))).then(() => order.push(index)),
    );
    const reads = Array.from({ length: 2000 }, (_, index) => zk.get(`/n${index}`));
    await Promise.all(writes);
    expect(order).toEqual(Array.from({ length: 2000 }, (_, index) => index));
    expect((await Promise.all(reads)).every((content, index) => content?.data?.toString() === String(index))).toBe(
      true,
    );
  });

  it('gives up when no server can be reached in time, and says so', async () => {
    const zk = newZooKeeper('127.0.0.1:1', { connectionTimeoutMs: 300 });
    await expect(zk.connect()).rejects.toMatchObject({
      code: 'CONNECTION_TIMEOUT',
      message: 'Timed out waiting for connection to ZooKeeper at 127.0.0.1:1 while in state: CONNECTING',
    });
    await expect(zk.get('/')).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('can be closed at any time, more than once', async () => {
    const never = newZooKeeper(server.connectString);
    await never.close();
    const zk = await connect();
    const inFlight = Array.from({ length: 50 }, (_, index) => zk.create(`/n${index}`, null));
    await zk.close();
    await zk.close();
    expect((await Promise.all(inFlight)).length).toBe(50);
    expect(zk.state).toBe('CLOSED');
    expect(zk.isLeaseValid()).toBe(false);
    await expect(zk.exists('/')).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('reads what others wrote before a barrier', async () => {
    const [reader, writer] = [await connect(), await connectZooKeeper(`${server.connectString}/case-${caseCount}`)];
    for (let round = 0; round < 50; round++) {
      await writer.create(`/r${round}`, null);
      await reader.barrier();
      expect(await reader.exists(`/r${round}`)).not.toBeNull();
    }
  });
});

describe('a watch', () => {
  it('tells of changes to data, of creation and of deletion, once per reading', async () => {
    const zk = await connect();
    let changes = 0;
    const end = zk.watch('/a', () => changes++);
    const step = async (change: () => Promise<unknown>): Promise<number> => {
      const before = changes;
      await zk.get('/a');
      await change();
      await zk.barrier();
      return changes - before;
    };
    expect(await step(() => zk.create('/a', null))).toBe(1);
    expect(await step(() => zk.set('/a', bytes('1'), 0))).toBe(1);
    await zk.set('/a', bytes('2'), 1);
    expect(changes).toBe(2);
    expect(await step(() => zk.delete('/a', ANY_VERSION))).toBe(1);
    await zk.exists('/a');
    end();
    await zk.create('/a', null);
    await zk.barrier();
    expect(changes).toBe(3);
  });

  it('tells of children, also of a parent that comes later', async () => {
    const zk = await connect();
    let changes = 0;
    zk.watchChildren('/p', () => changes++);
    expect(await zk.children('/p')).toBeNull();
    await zk.create('/p', null);
    expect(changes).toBe(1);
    expect(await zk.children('/p')).toEqual([]);
    await zk.create('/p/a', null);
    expect(changes).toBe(2);
  });

  it('tells every handler, though one of them throws', async () => {
    const zk = await connect();
    const seen: string[] = [];
    zk.watch('/a', () => {
      throw new Error('broken handler');
    });
    zk.watch('/a', () => seen.push('second'));
    await zk.get('/a');
    await zk.create('/a', null);
    expect(seen).toEqual(['second']);
    expect(zk.state).toBe('CONNECTED');
  });

  it('is heard before any reply that shows the change', async () => {
    const [zk, writer] = [await connect(), await connectZooKeeper(`${server.connectString}/case-${caseCount}`)];
    await zk.create('/a', bytes('0'));
    let told = 0;
    zk.watch('/a', () => told++);
    for (let round = 1; round <= 100; round++) {
      await zk.get('/a');
      const write = writer.set('/a', bytes(String(round)), ANY_VERSION);
      while ((await zk.get('/a'))?.data?.toString() !== String(round)) expect(told).toBeLessThanOrEqual(round);
      expect(told).toBe(round);
      await write;
    }
  });
});
