/** What a client can ask, against one real server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/lib/logger.ts';
import { ANY_VERSION } from '../../src/zk/operations.ts';
import { connectZooKeeper, newZooKeeper } from '../support/zookeeper-client.ts';
import { describeZooKeeperContract } from '../support/zookeeper-contract.ts';
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

describeZooKeeperContract(async () => {
  const zk = await connect();
  return [zk, await connectZooKeeper(`${server.connectString}/case-${caseCount}`)];
});

describe('a znode', () => {
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

  it('says at once whom it waits for and why, and gives up when no server can be reached in time', async () => {
    const lines: string[] = [];
    const say = (line: string): number => lines.push(line);
    const zk = newZooKeeper('127.0.0.1:1', {
      connectionTimeoutMs: 300,
      logger: { ...silentLogger, info: say, warn: say },
    });
    const reason = 'connect ECONNREFUSED 127.0.0.1:1';
    const connected = zk.connect();
    expect(lines).toEqual(['Initializing a new session to 127.0.0.1:1.', 'Waiting until connected.']);
    await expect(connected).rejects.toMatchObject({
      code: 'CONNECTION_TIMEOUT',
      message: `Timed out waiting for connection to ZooKeeper at 127.0.0.1:1 while in state: CONNECTING (${reason})`,
    });
    expect(lines.slice(2)).toEqual([`A ZooKeeper server cannot be reached, trying again until one can: ${reason}`]);
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
